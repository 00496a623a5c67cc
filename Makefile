# The commands. Each installs what it misses; see scripts/.
.PHONY: help setup build run test lint bench screenshots relay-static cli dist deploy clean

help:
	@echo "make run     build, start on 127.0.0.1:8787 (PORT=…) and play a phone against it"
	@echo "make test    everything that proves it works"
	@echo "make lint    formatting, linters, rustdoc, rules of the source and its dependencies, advisories"
	@echo "make screenshots  the pictures of docs/console.md"
	@echo "make bench   how fast it is, beside named baselines"
	@echo "make relay-static  the relay as one file without libraries, and the proof that it is"
	@echo "make cli     the command line, in target/<system>/relay/ringfence"
	@echo "make dist    the npm package and a folder for a release repository, in dist/"
	@echo "make deploy  to Cloudflare; make deploy CHECK=1 for what can be checked without an account"

setup:
	@scripts/setup.sh

build:
	@scripts/setup.sh
	@scripts/build.sh

run:
	@scripts/run.sh

test:
	@scripts/test.sh

lint:
	@scripts/lint.sh

bench:
	@scripts/bench.sh

screenshots:
	@scripts/screenshots.sh

relay-static:
	@scripts/relay-static.sh

cli:
	@scripts/cli.sh

dist:
	@scripts/dist.sh

deploy:
	@scripts/deploy.sh $(if $(CHECK),check)

clean:
	rm -rf build dist target .wrangler .local
