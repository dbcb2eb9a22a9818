# The images of the stages: docker buildx bake. images/README.md describes how they are built, updated and extended.

variable "REGISTRY" {
  default = "public.ecr.aws/aphex"
}

# Without a leading v, such as 1.4.0. Each image is tagged with it, with 1.4, 1, and latest; with a version to try out,
# such as 1.5.0-rc.1, by that name alone.
variable "VERSION" {
  default = ""
}

variable "REVISION" {
  default = ""
}

variable "PLATFORMS" {
  default = "linux/amd64,linux/arm64"
}

# Seconds since 1970: no time in the images is later. images/make gives that of the commit.
variable "SOURCE_DATE_EPOCH" {
  default = "0"
}

# What the toolbox is built on: Node.js on Debian. images/pin writes the digest behind the tag, and updates it.
variable "BASE" {
  default = "docker-image://docker.io/library/node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d"
}

# The folder of what images/debian-base made, for a base without a registry: BASE=target:debian
variable "DEBIAN" {
  default = ""
}

variable "CDK_VERSION" {
  default = "2.1148.1"
}

# How SBOMs are made: by BuildKit's own choice, an image; generator= names another one, disabled=true leaves them out.
variable "SBOM" {
  default = "type=sbom"
}

# The file with certificates of a proxy on the way to the npm registry; without such a proxy there is none.
variable "CERTIFICATES" {
  default = ""
}

function "tags" {
  params = [name]
  result = [for tag in VERSION == "" ? ["latest"] : length(split("-", VERSION)) > 1 ? [VERSION] : [VERSION, join(".", slice(split(".", VERSION), 0, 2)), split(".", VERSION)[0], "latest"] : "${REGISTRY}/${name}:${tag}"]
}

function "labels" {
  params = [name, description]
  result = {
    "org.opencontainers.image.title"       = "AphexPipeline ${name}"
    "org.opencontainers.image.description" = description
    "org.opencontainers.image.source"      = "https://github.com/aphex/aphex-pipeline"
    "org.opencontainers.image.licenses"    = "MIT"
    "org.opencontainers.image.vendor"      = "AphexPipeline"
    "org.opencontainers.image.version"     = VERSION == "" ? REVISION : VERSION
    "org.opencontainers.image.revision"    = REVISION
  }
}

group "default" {
  targets = ["validator", "builder", "deployer", "tester", "generator"]
}

# The images with Node.js, which are built on the toolbox.
group "tools" {
  targets = ["builder", "deployer", "tester"]
}

target "_common" {
  platforms = split(",", PLATFORMS)
  args = {
    SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH
  }
}

# A stage: its program comes from bin/images, where images/make puts those of all platforms.
target "_stage" {
  inherits = ["_common"]
  contexts = {
    programs = "bin/images"
    toolbox  = "target:toolbox"
  }
  attest = [SBOM, "type=provenance,mode=max"]
  output = ["type=image,rewrite-timestamp=true"]
}

target "debian" {
  inherits          = ["_common"]
  context           = DEBIAN
  dockerfile-inline = "FROM scratch\nARG TARGETARCH\nADD $${TARGETARCH}.tar /\n"
}

target "toolbox" {
  inherits = ["_common"]
  context  = "images/toolbox"
  contexts = {
    base = BASE
  }
  args = {
    CDK_VERSION = CDK_VERSION
  }
  secret = CERTIFICATES == "" ? [] : ["type=file,id=ca,src=${CERTIFICATES}"]
}

target "validator" {
  inherits = ["_stage"]
  context  = "images/validator"
  labels   = labels("validator", "Checks whether a commit can run.")
  tags     = tags("validator")
}

target "builder" {
  inherits = ["_stage"]
  context  = "images/builder"
  labels   = labels("builder", "Builds a commit once, for all environments.")
  tags     = tags("builder")
}

target "deployer" {
  inherits = ["_stage"]
  context  = "images/deployer"
  labels   = labels("deployer", "Deploys the pipeline itself, and environments.")
  tags     = tags("deployer")
}

target "tester" {
  inherits = ["_stage"]
  context  = "images/tester"
  labels   = labels("tester", "Runs the tests of a deployed environment.")
  tags     = tags("tester")
}

# No stage: the command line for people, and for the CI of repositories.
target "generator" {
  inherits = ["_stage"]
  context  = "images/generator"
  labels   = labels("generator", "Checks the configuration of a pipeline, installs it and follows its runs.")
  tags     = tags("generator")
}
