"""Calculates the cost of declared resources. Pure: calls neither the cloud nor the engine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from guardrails.cost.kept import kept
from guardrails.cost.meters import METERS, Gap, Stack, Use
from guardrails.cost.model import Estimate, Line, Period, Resource, Unpriced
from guardrails.cost.prices import Price, PriceTable, load_prices

__all__ = ["coverage", "estimate"]

_PROVIDER = "pulumi:providers:alicloud"
_IN_A_KMS_INSTANCE = ("alicloud:kms/key:Key", "alicloud:kms/secret:Secret")
_SPOT_LEAST, _SPOT_MOST = "spot/least", "spot/most"
_REGION = re.compile(r"[a-z]+-[a-z]+(-\d)?")


def estimate(
    declared: Iterable[Resource],
    *,
    prices: PriceTable | None = None,
    region_id: str = "",
    llm_model: str = "",
) -> Estimate:
    """Return what a stack costs at list prices.

    Args:
        declared: Its resources, e.g. from `guardrails.declare.declare`. Existing resources
            (`existing`) are on another bill.
        prices: The price table; by default this project's.
        region_id: Region of the prices; by default the region of the stack's alicloud provider.
        llm_model: The hosted language model whose price applies to questions; empty for none.

    Raises:
        ValueError: `region_id` is empty, and no alicloud provider declares a region.
    """
    prices = prices or load_prices()
    resources = list(declared)
    region_id = region_id or _region_of(resources)
    stack = Stack(resources=resources, prices=prices)
    found: list[Line | Unpriced] = []
    for resource in resources:
        if not (getattr(resource, "existing", "") or resource.type.startswith("pulumi:")):
            found += _priced(resource, stack, region_id)
    if llm_model:
        found += _questions(llm_model, stack, region_id)
    lines = [each for each in found if isinstance(each, Line)]
    return Estimate(
        region_id=region_id,
        lines=lines,
        unpriced=[each for each in found if isinstance(each, Unpriced)],
        asides=list(_asides(resources, prices, region_id)),
        kept=list(kept(resources, lines)),
    )


def coverage(types: Iterable[str]) -> list[str]:
    """Return the types in `types` that are neither metered nor declared free, sorted."""
    free = load_prices().free
    return sorted({token for token in types if token not in METERS and token not in free})


def _region_of(resources: Sequence[Resource]) -> str:
    providers = [item for item in resources if item.type == _PROVIDER]
    # The shortest name is the stack's own provider; the others serve replicas in other regions.
    for provider in sorted(providers, key=lambda item: len(item.name)):
        region_id = provider.inputs.get("region")
        if isinstance(region_id, str) and _REGION.fullmatch(region_id):
            return region_id
    raise ValueError(
        "region_id is empty, and no alicloud provider declares a region. Pass region_id"
    )


def _priced(resource: Resource, stack: Stack, region_id: str) -> Iterator[Line | Unpriced]:
    meter = METERS.get(resource.type)
    if meter is None:
        if resource.type not in stack.prices.free:
            why = "the type is neither metered nor declared free; add it to guardrails/cost"
            yield Unpriced(type=resource.type, name=resource.name, why=why)
        return
    for use in meter(resource, stack):
        if isinstance(use, Gap):
            yield Unpriced(type=resource.type, name=resource.name, why=use.why)
        else:
            yield _line(resource.type, resource.name, use, stack.prices, region_id)


def _line(token: str, name: str, use: Use, prices: PriceTable, region_id: str) -> Line | Unpriced:
    price = prices.find(use.item, region_id)
    if price is None and use.otherwise:
        price = prices.find(use.otherwise, region_id)
    if price is None:
        why = f"the table has no price of {use.item} in {region_id} ({use.what})"
        return Unpriced(type=token, name=name, why=why)
    share = _share(use, use.discount, prices, region_id)
    # The amount of a run is in unit hours already; all other amounts are per month.
    each = price.cny if use.period is Period.RUN else price.cny_per_month
    spot_cny = None
    if use.discount:
        least, most = (_share(use, item, prices, region_id) for item in (_SPOT_LEAST, _SPOT_MOST))
        spot_cny = (each * use.amount * least, each * use.amount * most)
    return Line(
        type=token,
        name=name,
        what=use.what,
        period=use.period,
        cny=each * use.amount * share,
        most_cny=each * (use.amount if use.most is None else use.most) * share,
        price=price,
        idle=use.idle,
        gpu=use.gpu,
        spot_cny=spot_cny,
    )


def _share(use: Use, item: str, prices: PriceTable, region_id: str) -> float:
    """Return the share of the price from the table, at most what the program bids."""
    discount: Price | None = prices.find(item, region_id) if item else None
    share = discount.cny if discount else 1.0
    return share if use.share is None else min(share, use.share)


def _questions(model: str, stack: Stack, region_id: str) -> Iterator[Line | Unpriced]:
    questions = stack.usage("questions")
    for way in ("input", "output"):
        tokens = stack.usage(f"question_{way}_tokens") * questions
        use = Use(
            item=f"llm/{model}/{way}",
            amount=tokens / 1000,
            what=f"{questions:,.0f} questions, {tokens / 1e6:g}M {way} tokens",
            period=Period.USE,
        )
        yield _line("language model", model, use, stack.prices, region_id)


def _asides(resources: Sequence[Resource], prices: PriceTable, region_id: str) -> Iterator[str]:
    mine = [item for item in resources if not getattr(item, "existing", "")]
    guarded = [item for item in mine if item.type in _IN_A_KMS_INSTANCE]
    instance, queries = (prices.find(f"kms/{item}", region_id) for item in ("instance", "qps"))
    if guarded:
        cost = (
            f"about {instance.cny_per_month:,.0f} CNY a month"
            if instance
            else "no price in the table"
        )
        if queries:
            cost += f", plus {queries.cny_per_month:,.0f} for each query a second at the peak"
        named = {str(item.inputs.get("dkmsInstanceId") or "") for item in guarded} - {""}
        which = f"KMS instance {', '.join(sorted(named))}" if named else "a KMS instance"
        yield (
            f"your own keys and secrets need {which} (pay-as-you-go {cost}); one instance serves "
            "the whole account"
        )
    for item in sorted(resources, key=lambda item: item.name):
        existing = getattr(item, "existing", "")
        if existing:
            yield f"{item.name} ({existing}) already exists and is on another bill"
