package plan

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Images are the images of a release, in which the pipeline's own stages run. A person
// chooses them when the pipeline is installed, and each version of the pipeline passes
// them on to the next one: a commit cannot change them. The text is REGISTRY[:TAG],
// followed by the known digests as PROGRAM@sha256:<hex>, such as
//
//	public.ecr.aws/aphex:1.4.0 builder@sha256:<hex> deployer@sha256:<hex>
//
// "" stands for the images of the configuration.
type Images string

// Release is where the images of releases are published.
const Release = "public.ecr.aws/aphex"

// Programs lists the programs that a release has an image of.
func Programs() []string { return []string{"builder", "deployer", "tester", "validator"} }

var digestOfProgram = regexp.MustCompile(`^([a-z]+)@sha256:[0-9a-f]{64}$`)

// ParseImages checks the text of images.
func ParseImages(text string) (Images, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return "", nil
	}
	images := Images(strings.Join(fields, " "))
	for _, field := range fields[1:] {
		if parts := digestOfProgram.FindStringSubmatch(field); parts == nil || !slices.Contains(Programs(), parts[1]) {
			return "", errs.Invalidf("%q is not the digest of an image", field).WithHint("write REGISTRY[:TAG], such as %s:1.4.0, with digests as builder@sha256:<hex>", Release)
		}
	}
	registry, tag := splitTag(fields[0])
	if last := registry[strings.LastIndexByte(registry, '/')+1:]; last != registry && slices.Contains(Programs(), last) {
		return "", errs.Invalidf("%q names the image of one program", fields[0]).WithHint("name the place of all images: %s", strings.TrimSuffix(registry, "/"+last)+tag)
	}
	if version.MatchString(registry) {
		return "", errs.Invalidf("%q names no registry", fields[0]).WithHint("write REGISTRY:TAG, such as %s:%s", Release, registry)
	}
	if image := images.Of("builder"); !config.Accepts[config.Config]("builderImage", image) {
		return "", errs.Invalidf("%q does not name a registry and a tag: %q is not an image", fields[0], image).
			WithHint("write REGISTRY[:TAG], such as %s:1.4.0", Release)
	}
	return images, nil
}

// version matches a text that is the tag of a release and no registry.
var version = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+)*$`)

// ImagesOf returns the images of a new pipeline: those of the text, else those beside the
// configured validatorImage, else those of the release with that version.
func ImagesOf(cfg *config.Config, text, release string) (Images, error) {
	images, err := ParseImages(text)
	if images != "" || err != nil {
		return images, err
	}
	if images, err = ImagesBeside(cfg); images != "" || err != nil {
		return images, err
	}
	return Images(Release + ":" + releaseTag(release)), nil
}

var released = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)

// releaseTag returns the tag of the images of a version of this product.
func releaseTag(program string) string {
	if released.MatchString(program) {
		return program
	}
	return "latest"
}

// Of returns the image of a program, by its digest if that is known.
func (i Images) Of(program string) string {
	fields := strings.Fields(string(i))
	if len(fields) == 0 {
		return ""
	}
	registry, tag := splitTag(fields[0])
	image := registry + "/" + program + tag
	for _, field := range fields[1:] {
		if digest, found := strings.CutPrefix(field, program+"@"); found {
			image += "@" + digest
		}
	}
	return image
}

// Source returns where the images come from, as REGISTRY[:TAG].
func (i Images) Source() string {
	source, _, _ := strings.Cut(string(i), " ")
	return source
}

// Pinned reports whether the digest of a program's image is known.
func (i Images) Pinned(program string) bool { return strings.Contains(i.Of(program), "@") }

// Pin returns the images with the digest of a program's image, as sha256:<hex>.
func (i Images) Pin(program, digest string) Images {
	return i + Images(" "+program+"@"+digest)
}

// ImagesBeside returns the images that are published beside the validator's image of a
// configuration: its registry and tag. It is "" if the configuration names none.
func ImagesBeside(cfg *config.Config) (Images, error) {
	image := cfg.OwnImage("validator")
	if image == "" {
		return "", nil
	}
	repository, digest, _ := strings.Cut(image, "@")
	name, tag := splitTag(repository)
	registry, found := strings.CutSuffix(name, "/validator")
	if !found {
		return "", errs.Invalidf("validatorImage is %q, which does not name the images of the other stages", image).
			WithHint("remove validatorImage, and name the place of all images instead: --images REGISTRY[:TAG]")
	}
	text := registry + tag
	if digest != "" {
		text += " validator@" + digest
	}
	return ParseImages(text)
}

// Check refuses a configuration whose validatorImage is another one than that of the
// images.
func (i Images) Check(cfg *config.Config) error {
	image, ours := cfg.OwnImage("validator"), i.Of("validator")
	if i == "" || image == "" {
		return nil
	}
	repository, digest, _ := strings.Cut(ours, "@")
	name, _ := splitTag(repository)
	if slices.Contains([]string{ours, repository, name + "@" + digest}, image) {
		return nil
	}
	return errs.Invalidf("validatorImage is %q, but the pipeline was installed with the image %q, which no commit can change", image, ours).
		WithHint("remove validatorImage; to use other images: generator apply --images REGISTRY[:TAG]")
}

var port = regexp.MustCompile(`^([^/]*\.[^/]*|localhost):[0-9]+$`)

// splitTag splits a name of an image or of a registry before its tag. A port is no tag.
func splitTag(name string) (before, tag string) {
	colon := strings.LastIndexByte(name, ':')
	if colon <= strings.LastIndexByte(name, '/') || port.MatchString(name) {
		return name, ""
	}
	return name[:colon], name[colon:]
}
