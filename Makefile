# Targets to build, test and check AphexPipeline. "make" lists them.
.DEFAULT_GOAL := help

SHOP  := examples/shop
TOOLS := go tool -modfile=tools/go.mod
# Packages whose tests start Node or whole programs, or are pure: the race detector is slow there and finds nothing.
SLOW  := /cmd/|/awssim$$|/internal/(argo|infra|config|plan|deploy/assembly|deploy/synth|tests/[a-z]+)$$|/internal/tests/bench

# Many tests wait for the CDK CLI or the simulator: run more packages and tests in parallel than there are
# cores, the longest packages first, so that they do not run alone at the end.
WAITING := -p 6 -parallel 4
LONG    := ./internal/tests/conformance ./awssim ./stages/deploy ./internal/tests/programs ./internal/kube ./internal/install ./cmd/generator

# Programs and tests share these, so that they share compiled packages: no C compiler, no machine's paths.
export CGO_ENABLED := 0
export GOFLAGS += -trimpath -buildvcs=false
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS = -s -w -X github.com/aphex/aphex-pipeline/internal/stage.version=$(VERSION)

# npm ci runs again if the lock file has changed or the packages are missing.
LOCK     := $(shell git hash-object $(SHOP)/package-lock.json)
PACKAGES := $(SHOP)/node_modules/.installed-$(LOCK)
BUILT    := $(SHOP)/dist/.built
SOURCES  := $(wildcard $(addprefix $(SHOP)/,*.json bin/* lib/* lambda/*/* scripts/* test/*))

# The npm package of the construct: the renderer as WebAssembly, the contracts of the stages, and TypeScript by jsii.
CONSTRUCT := construct/lib/.built
CONSTRUCT_PACKAGES := construct/node_modules/.installed-$(shell git hash-object construct/package-lock.json)
RENDERER  := construct/assets/generator.wasm.gz

# The images of the tests are built again if their content is newer.
IMAGES := bin/images/.built
INTO   := $(shell git ls-files cmd internal stages images docker-bake.hcl go.mod go.sum | grep -v _test)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the programs into bin/
	go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

PREFIX ?= /usr/local
SHARE  = $(DESTDIR)$(PREFIX)/share
.PHONY: install
install: build ## install the programs, completions and the manual page below PREFIX (/usr/local), or DESTDIR with PREFIX
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(SHARE)/man/man1' '$(SHARE)/bash-completion/completions' '$(SHARE)/zsh/site-functions' '$(SHARE)/fish/vendor_completions.d'
	install -m 755 $(addprefix bin/,$(notdir $(wildcard cmd/*))) '$(DESTDIR)$(PREFIX)/bin'
	bin/generator manual >'$(SHARE)/man/man1/generator.1'
	bin/generator completion bash >'$(SHARE)/bash-completion/completions/generator'
	bin/generator completion zsh >'$(SHARE)/zsh/site-functions/_generator'
	bin/generator completion fish >'$(SHARE)/fish/vendor_completions.d/generator.fish'

.PHONY: release
release: ## archives for Linux, macOS and Windows in bin/release, with checksums, SBOMs and a Homebrew formula; VERSION names it, such as 1.4.0
	@LDFLAGS='$(LDFLAGS)' tools/release '$(VERSION:v%=%)'

.PHONY: construct
construct: $(CONSTRUCT) $(RENDERER) ## build the npm package of the construct into construct/

.PHONY: construct-go
construct-go: $(CONSTRUCT) $(RENDERER) ## build the Go package of the construct, and synthesize its example; takes some minutes
	JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 node construct/scripts/go.mjs </dev/null

.PHONY: test
test: $(BUILT) $(CONSTRUCT) $(RENDERER) ## run all tests: unit, testscript, and integration with the simulator and a real CDK app
	go test -timeout 20m $(WAITING) $(LONG) ./... </dev/null
	cd construct && npm test --silent </dev/null

.PHONY: conformance
conformance: $(BUILT) ## compare with the real CDK CLI on all apps of docs/cdk-parity.md; takes many minutes
	CONFORMANCE=all go test -count=1 -timeout 40m ./internal/tests/conformance </dev/null
	CONFORMANCE=all go test -count=1 -run Gibibyte ./internal/checkout </dev/null

.PHONY: bulk
bulk: build $(PACKAGES) ## compare with the CDK CLI on every app and assembly in the folder DIR; BULK sets flags, such as -json
	@test -n '$(DIR)' || { echo 'set the folder: make bulk DIR=…' >&2; exit 2; }
	@go run ./internal/tests/conformance/bulk $(BULK) '$(DIR)' </dev/null

.PHONY: survey
survey: ## count the CDK apps in the folder DIR and below whose stacks generator init recognizes, and name the others
	@test -n '$(DIR)' || { echo 'set the folder: make survey DIR=…' >&2; exit 2; }
	@go run ./internal/tests/conformance/bulk -init $(BULK) '$(DIR)' </dev/null

.PHONY: demo
demo: build $(PACKAGES) ## run the example's whole pipeline on this machine, against simulated AWS accounts
	@tools/demo-repository $(SHOP) .aphex/demo/shop
	@PATH="$(CURDIR)/$(SHOP)/node_modules/.bin:$$PATH" \
		bin/generator run --source .aphex/demo/shop --state .aphex/demo/state --yes </dev/null

.PHONY: screens
screens: build $(PACKAGES) ## run the demo from the start, and compare the screen in README.md with what it prints
	rm -rf .aphex/demo
	$(MAKE) --no-print-directory demo >bin/demo.txt 2>&1 || { cat bin/demo.txt; exit 1; }
	DEMO=$(CURDIR)/bin/demo.txt go test -count=1 -run TestTheDemo ./internal/tests/programs

.PHONY: bench
bench: build $(BUILT) ## compare with other programs, and write bench.json; takes some minutes
	go run ./internal/tests/bench -bin bin -app $(SHOP) -o bench.json </dev/null

FUZZTIME ?= 60s
.PHONY: fuzz
fuzz: ## give every parser of foreign bytes random ones, each for FUZZTIME (60s); FUZZ=word takes some, CORPUS=1 keeps what is found
	@CORPUS=$(CORPUS) tools/fuzz $(FUZZTIME) $(FUZZ)

SITE_PACKAGES := site/node_modules/.installed-$(shell git hash-object site/package-lock.json)
.PHONY: site
site: $(SITE_PACKAGES) ## build the documents as a website into bin/site; SITE_BASE is the path that it is served below
	cd site && npm run --silent build </dev/null

.PHONY: check-site
check-site: site ## open every page of the website in headless Chromium, as wide as a telephone and as a screen; CHROMIUM names it
	cd site && npm run --silent check </dev/null

PAGES := internal/report/page/browser
PAGES_PACKAGES := $(PAGES)/node_modules/.installed-$(shell git hash-object $(PAGES)/package-lock.json)
.PHONY: check-pages
check-pages: $(PAGES_PACKAGES) ## open example pages of runs in headless Chromium, light and dark, with axe-core; CHROMIUM names it, SCREENS=DIR saves pictures
	rm -rf bin/pages
	go test -count=1 -run TestExamplesArePages ./internal/report/page -pages $(CURDIR)/bin/pages </dev/null
	node $(PAGES)/check.mjs bin/pages $(SCREENS) </dev/null

.PHONY: screenshot
screenshot: $(PAGES_PACKAGES) ## take the picture in README.md of the page that make demo ends with
	node $(PAGES)/shot.mjs .aphex/demo/state/aws/s3/*/metadata/workflows docs/images/page.png </dev/null

.PHONY: images
images: ## build the images of the stages into docker, or with BASE=debian into bin/images, without a registry
	images/make

.PHONY: check-images
check-images: ## check the images in bin/images against images/README.md, and print their sizes; needs root
	cd e2e && go test -count=1 -v -timeout 30m ./stageimages </dev/null

.PHONY: e2e
e2e: build $(PACKAGES) $(CONSTRUCT) $(RENDERER) $(IMAGES) ## run the images in docker, and the pipeline on real Kubernetes and Argo, in separate namespaces; needs root
	cd e2e && go test -count=1 -timeout 30m ./stageimages </dev/null
	cd e2e && go test -c -o ../bin/e2e . && go test -c -o ../bin/e2e-recipes ./recipes
	cd e2e/recipes && ../../bin/e2e-recipes -test.v -test.timeout 20m </dev/null
	cd e2e && ../bin/e2e -test.v -test.timeout 60m -figures ../bench.json </dev/null

.PHONY: golden
golden: ## rewrite golden files and generated documents; review the diff before you commit
	go test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' cmd internal stages | xargs -n1 dirname | grep -v tests/documents | sort -u | sed 's|^|./|') -update
	node construct/scripts/types.mjs
	go test ./internal/tests/documents -update

.PHONY: clean
clean: ## remove all build products and the state of the demo
	rm -rf bin .cache .aphex bench.json $(addprefix $(SHOP)/,node_modules dist artifacts reports cdk.out) $(addprefix construct/,.jsii assets dist lib node_modules tsconfig.json) site/node_modules site/pages $(PAGES)/node_modules

# check runs all of its parts even if one fails, so that one run reports everything.
CHECKS := check-format check-vet check-lint check-words check-construct check-platforms check-tidy check-argo check-race check-vulnerabilities
.PHONY: check $(CHECKS)
check: ## check format, lint, wording, races, Argo's own validation, known vulnerabilities and go.mod
	@$(MAKE) --no-print-directory --keep-going $(CHECKS)

FOLDERS := cmd internal stages awssim e2e
check-format: # gofumpt has a printer of an older Go, which aligns long tables in another way
	@files=$$($(TOOLS) gofumpt -l $(FOLDERS); gofmt -l $(FOLDERS)); \
	if [ -n "$$files" ]; then echo "not formatted, run gofumpt -w and gofmt -w on:"; echo "$$files"; exit 1; fi

check-vet:
	go vet ./...
	cd e2e && go vet ./...

# The programs are for Linux and macOS, generator for Windows too. The first time, their libraries are compiled: minutes.
check-platforms:
	GOOS=darwin GOARCH=arm64 go build ./cmd/...
	GOOS=windows GOARCH=amd64 go build -o bin/platforms/ ./cmd/generator
	GOOS=darwin GOARCH=arm64 go vet ./internal/command/... ./internal/stage ./internal/localrun/...
	GOOS=windows GOARCH=amd64 go vet ./internal/stage ./internal/localrun/state

check-lint:
	$(TOOLS) golangci-lint run
	cd e2e && go tool -modfile=../tools/go.mod golangci-lint run

check-words: # the words of tools/words.txt must not come back
	go test -count=1 ./internal/tests/words

# The examples find the construct by a link that leads back to it, in which jsii-docgen would walk round in circles.
OWN_LINK := node_modules/aphex-pipeline
check-construct: $(CONSTRUCT) # the properties of the construct are those of the configuration, and API.md describes them
	node construct/scripts/types.mjs --check
	@mkdir -p construct/dist
	@cd construct && rm -f $(OWN_LINK) && { JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 node_modules/.bin/jsii-docgen -o dist/API.md </dev/null; \
		result=$$?; ln -sfn .. $(OWN_LINK); exit $$result; }
	@diff construct/API.md construct/dist/API.md || { echo 'construct/API.md is out of date: copy construct/dist/API.md over it' >&2; exit 1; }

check-tidy:
	go mod tidy -diff
	cd e2e && go mod tidy -diff
	cd internal/tests/bench/s5cmd && go mod tidy -diff

# Argo's validation and the schemas of its resources check what is rendered, as versions 3 and 4 have them. Separate
# modules, as each compiles some 1,500 packages first (minutes, once). Results are not cached, as the golden files are outside the module.
check-argo:
	cd internal/argo/validate && go mod tidy -diff && go vet . && go test -count=1 -timeout 15m . </dev/null
	cd internal/argo/validate4 && go mod tidy -diff && go vet . && go test -count=1 -timeout 15m . </dev/null

check-race: $(BUILT)
	CGO_ENABLED=1 go test -race -timeout 15m $$(go list ./... | grep -Ev '$(SLOW)') </dev/null

check-vulnerabilities:
	@tools/vulnerabilities $(TOOLS) govulncheck ./...

$(IMAGES): $(INTO)
	BASE=debian REGISTRY=docker.io/aphex VERSION=0.0.0 images/make
	@touch $@

$(PACKAGES):
	cd $(SHOP) && npm ci --prefer-offline --no-audit --no-fund </dev/null
	@touch $@

$(SITE_PACKAGES): site/package-lock.json
	cd site && npm ci --prefer-offline --no-audit --no-fund </dev/null
	@touch $@

$(PAGES_PACKAGES): $(PAGES)/package-lock.json
	cd $(PAGES) && npm ci --prefer-offline --no-audit --no-fund </dev/null
	@touch $@

$(CONSTRUCT_PACKAGES): construct/package-lock.json
	@cd construct && npm ci --prefer-offline --no-audit --no-fund </dev/null || \
		{ echo 'the packages of the construct cannot be installed: can npm reach its registry? (npm ping)' >&2; exit 1; }
	@ln -sfn .. construct/$(OWN_LINK)
	@touch $@

# A library asks for a terminal, which WASI does not know; it does not with the tag appengine.
$(RENDERER): $(INTO) $(shell git ls-files construct/wasm construct/contracts | grep -v _test)
	@mkdir -p $(@D) bin
	GOOS=wasip1 GOARCH=wasm go build -tags appengine -ldflags '-s -w' -o bin/generator.wasm ./construct/wasm
	gzip -9 -n -c bin/generator.wasm >$@
	go run ./construct/contracts >$(@D)/contracts.json

$(CONSTRUCT): $(CONSTRUCT_PACKAGES) $(wildcard construct/src/* construct/package.json) schema/aphex-config.schema.json
	cd construct && JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 npm run --silent build </dev/null
	@touch $@

$(BUILT): $(PACKAGES) $(SOURCES)
	cd $(SHOP) && npm run --silent build </dev/null
	@touch $@
