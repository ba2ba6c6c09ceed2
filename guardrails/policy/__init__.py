"""The policy pack: rules that every stack must pass, whatever its configuration says.

Owns the rules (pure, one module for each group), the pack for Pulumi (`pack`), and the check of a
declaration without an engine (`check`). All rules are mandatory: a violation fails the preview.
The environment comes from the stack's configuration, or else from the tag `environment`, or else it
is prod.

Run by `pulumi preview --policy-pack guardrails/policy`.
"""
