# Thin targets over plain commands. `make help` lists them; what they run is in tools/.

# A stack of stacks/; `local` is this machine.
STACK ?= local
# A folder with docs/ and, optionally, questions.jsonl.
CORPUS ?=
# A question for `make ask`.
Q ?=
# A service of the local cloud, for `make logs`.
SERVICE ?=
# A pull request's number.
PR ?=
# 1 rehearses: the pull request's stack, or the sweep, uses its own local cloud.
REHEARSAL ?=
# Config values that a rehearsal replaces: SET="trainingNumTrainEpochs=1 …".
SET ?=
# The name of a protected stack, as consent to its removal.
CONSENT ?=
# 1 updates a cloud stack without a question, for jobs.
YES ?=
# For jobs: the environment (dev, prod, pr), its role (preview, deploy) and the account.
ENVIRONMENT ?=
ROLE ?=
ACCOUNT_ID ?=
# For jobs: the text for GitHub, and the version of a release.
FILE ?=
FOLDER ?=
STACKS ?=
COMMIT ?=
TITLE ?=
CLOSE ?=
VERSION ?=
# The time to use, in ISO 8601, for `make sweep` and `make night`; empty means now.
NOW ?=
# 1 leaves a rehearsal up, also after a failure.
KEEP ?=
# 1 rehearses the whole life of prod, which is only previewed by default.
WHOLE ?=
# The base of a comparison: a branch, tag or commit; by default where the branch left main.
BASE ?=
# A file that gets the comment or report as well.
OUTPUT ?=
# The documents that `make documents` lists: problems, whole, part, unread or skipped.
ONLY ?=
# JSON=1 prints JSON: `make cost`, `make preflight`, `make documents` and `make changed-stacks`.
JSON ?=
# More arguments for pytest, for `make test`.
ARGS ?=
# Any Python from 3.11 on.
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && exit; done; echo python3)

# Unset, whatever the shell has: without bytecode each of dozens of processes compiles its imports.
# Importing sentence-transformers then takes three times the CPU time.
export PYTHONDONTWRITEBYTECODE =
# The shell reads these from the environment, because a question may contain quotes, dollars
# and semicolons.
export CUSTOMRAG_MAKE_Q := $(value Q)
export CUSTOMRAG_MAKE_CORPUS := $(value CORPUS)
# exec replaces the shell, so that a signal to make's child reaches the command.
TOOLS = exec $(PYTHON) -m tools
ON_STACK = --stack "$(STACK)" --corpus "$$CUSTOMRAG_MAKE_CORPUS"

.DEFAULT_GOAL := help
.PHONY: help setup up preview documents ask open token eval env status logs down test policy preflight cost preview-comment changed-stacks drift fmt lint rehearse leaks engine-package pr-up pr-down sweep night \
	sign-in workflows release release-notes post-comments post-report post-release

##@ On this machine; with STACK=dev, in the cloud

up:  ## Set up and bring up everything; CORPUS=DIR for your documents
	@$(TOOLS) up $(ON_STACK) $(if $(YES),--yes)

preview:  ## Show what `make up` would change
	@$(TOOLS) preview $(ON_STACK)

documents:  ## List what became of each document: [ONLY=problems] [JSON=1]
	@$(TOOLS) documents --stack "$(STACK)" --only "$(ONLY)" $(if $(JSON),--json)

ask:  ## Ask the chat application: make ask Q="…"
	@$(TOOLS) ask --stack "$(STACK)" --question "$$CUSTOMRAG_MAKE_Q"

open:  ## Print a link to the chat page that signs you in
	@$(TOOLS) open --stack "$(STACK)"

token:  ## Print a token of the local issuer, for the edge
	@$(TOOLS) token --stack "$(STACK)"

eval:  ## Measure retrieval on a corpus with questions: CORPUS=DIR
	@$(TOOLS) eval --corpus "$$CUSTOMRAG_MAKE_CORPUS"

status:  ## Show the local cloud's services and the stack's outputs
	@$(TOOLS) status --stack "$(STACK)"

logs:  ## Show what the local cloud wrote last; SERVICE=NAME for one
	@$(TOOLS) logs --stack "$(STACK)" --service "$(SERVICE)"

down:  ## Remove the stack; of the local one, everything but caches
	@$(TOOLS) down --stack "$(STACK)" --consent "$(CONSENT)"

env:  ## Print the environment for plain pulumi commands, for eval
	@$(TOOLS) env --stack "$(STACK)"

##@ A stack in the cloud: STACK=dev

rehearse:  ## Rehearse a cloud stack on the local cloud: STACK=dev
	@$(TOOLS) rehearse $(ON_STACK) $(if $(SET),--set "$(SET)") $(if $(KEEP),--keep) $(if $(WHOLE),--whole)

cost:  ## Show what a stack costs, with sources: STACK=prod [JSON=1]
	@$(TOOLS) cost --stack "$(STACK)" $(if $(JSON),--json)

policy:  ## Check a stack against the policy pack: STACK=dev
	@.venv/bin/python -m guardrails.policy.check --stack "$(STACK)"

preflight:  ## Check in the cloud if a stack can be created: STACK [JSON=1]
	@$(TOOLS) preflight --stack "$(STACK)" $(if $(JSON),--json)

drift:  ## Report how the cloud differs from the deployment: STACK=dev
	@$(TOOLS) drift --stack "$(STACK)" --output "$(OUTPUT)"

leaks:  ## List what is left of a stack in the cloud; fails on leaks
	@$(TOOLS) leaks --stack "$(STACK)"

night:  ## Stop GPU nodes at night, start them by day: STACK=dev [NOW=…]
	@$(TOOLS) night --stack "$(STACK)" $(if $(NOW),--now "$(NOW)")

engine-package:  ## Write the package that OpenSearch nodes fetch: FOLDER=DIR
	@.venv/bin/python -m localcloud.opensearch.package archive --output "$(or $(FOLDER),.)"

##@ Pull requests

preview-comment:  ## Show what a change does to a stack: STACK=dev [BASE=ref]
	@$(TOOLS) preview-comment --stack "$(STACK)" --base "$(BASE)" --output "$(OUTPUT)"

changed-stacks:  ## List the stacks that a change touches: [BASE=ref]
	@$(TOOLS) changed-stacks --base "$(BASE)" $(if $(JSON),--json)

pr-up:  ## Bring up a pull request's stack for three days: PR=7
	@$(TOOLS) pr-up --pull-request "$(PR)" $(if $(REHEARSAL),--rehearsal) \
		--corpus "$$CUSTOMRAG_MAKE_CORPUS" $(if $(SET),--set "$(SET)")

pr-down:  ## Remove a pull request's stack and check for leaks: PR=7
	@$(TOOLS) pr-down --pull-request "$(PR)" $(if $(REHEARSAL),--rehearsal)

sweep:  ## Remove pull requests' stacks whose time is over; NOW=…
	@$(TOOLS) sweep $(if $(PR),--pull-request "$(PR)",--stack cloud) \
		$(if $(REHEARSAL),--rehearsal) $(if $(NOW),--now "$(NOW)")

##@ The code

help:  ## List the targets
	@echo 'Usage: make TARGET [STACK=local] [CORPUS=DIR] [Q="…"] [SERVICE=NAME]'
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-16s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## Install the tools, bring nothing up
	@$(TOOLS) setup

test:  ## Set up and run every check; ARGS="…" goes to pytest
	@$(TOOLS) test -- $(ARGS)

fmt:  ## Format the code
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

lint:  ## Check format, lint, types and words to avoid
	@.venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/mypy
	@.venv/bin/python -m tools.prose

workflows:  ## Check .github/workflows
	@$(PYTHON) -m tools.actionlint

##@ Releases, and targets for jobs

release:  ## Turn the unreleased changes into a version: VERSION=0.2.0
	@$(PYTHON) -m tools.release prepare --version "$(VERSION)"

release-notes:  ## Show the changelog of a version: VERSION=0.2.0
	@$(PYTHON) -m tools.release notes --version "$(VERSION)" $(if $(OUTPUT),--output "$(OUTPUT)")

sign-in:  ## Sign a job in to an environment: ENVIRONMENT=dev ROLE=preview
	@.venv/bin/python -m bootstrap.sign_in --environment "$(ENVIRONMENT)" --role "$(ROLE)" \
		--account-id "$(ACCOUNT_ID)"

post-comments:  ## Keep a pull request's comments up to date: FOLDER=… PR=7
	@$(PYTHON) -m tools.github comments --folder "$(FOLDER)" --pull-request "$(PR)" \
		$(if $(STACKS),--stacks "$(STACKS)") $(if $(COMMIT),--commit "$(COMMIT)")

post-report:  ## Keep an issue up to date: FILE=… TITLE=… [CLOSE=1]
	@$(PYTHON) -m tools.github report --file "$(FILE)" --title "$(TITLE)" $(if $(CLOSE),--close)

post-release:  ## Publish a version's notes: FILE=… VERSION=0.2.0
	@$(PYTHON) -m tools.github release --file "$(FILE)" --version "$(VERSION:v%=%)"
