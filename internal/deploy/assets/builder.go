package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// ImageBuilder builds images without docker. Package buildkit has one.
type ImageBuilder interface {
	// Address returns the address of the builder, for messages.
	Address() string
	// Ready returns why nothing can be built at the moment.
	Ready(ctx context.Context) error
	// Build builds an image, and pushes it if it has a destination.
	Build(ctx context.Context, image Image) error
}

// Image is what an ImageBuilder builds. Its options and its folder were written by the code
// that is deployed.
type Image struct {
	Name    string // display name
	Key     string // tells its folder from that of any other build
	Options *assembly.ImageBuild
	Folders []Folder // what the options may name files of
	Env     []string // what secrets may name variables of, as NAME=value
	Push    string   // where to, as "registry/repository:tag"; "" builds alone

	// Login returns the credentials for a registry; none are two empty texts.
	Login func(ctx context.Context, registry string) (user, password string, err error)
	Out   io.Writer        // receives the progress; each write is masked
	Mask  *redact.Redactor // receives each secret of the build before it is used
	// Read meters the bytes that are read of folders, and Entries is the most that one may have.
	Read    *limits.Meter
	Entries int
}

// Folder is a folder whose files a build may name.
type Folder struct {
	Path  string // where it is read
	Named string // its path as the commands of the repository know it
}

// NoBuilderError is why an ImageBuilder can build no image.
type NoBuilderError struct {
	Address string
	Err     error
}

// Error describes the error.
func (e *NoBuilderError) Error() string {
	return fmt.Sprintf("the image builder %s does not answer: %v", e.Address, e.Err)
}

// Unwrap returns the cause.
func (e *NoBuilderError) Unwrap() error { return e.Err }

// CannotBuild reports whether an error is that no image can be built: by docker or by the
// image builder.
func CannotBuild(err error) bool {
	return errors.As(err, new(*NoDockerError)) || errors.As(err, new(*NoBuilderError))
}

// imageMaker builds the images of a manifest, and pushes them.
type imageMaker interface {
	// fails returns the error for an image that cannot be built, or nil.
	fails(ctx context.Context) unable
	// build builds an image, ahead of its push.
	build(ctx context.Context, w imageWork) error
	// push pushes an image that was built.
	push(ctx context.Context, w imageWork, remote string) error
}

// unable is why no image can be built.
type unable interface{ explain(doing string) error }

// imageWork is one image for one destination.
type imageWork struct {
	client *ecr.Client // of the role that publishes the image
	uri    string      // of its repository
	list   *assembly.AssetManifest
	image  assembly.ImageAsset
	to     Target
}

// maker returns who builds an image. A command of the manifest builds with docker.
func (p *Publisher) maker(image assembly.ImageAsset) imageMaker {
	if p.options.ImageBuilder == nil || len(image.Command) > 0 {
		return docker{p}
	}
	return builder{p}
}

// byMaker returns the images of a manifest, those of one maker together.
func (p *Publisher) byMaker(images []assembly.ImageAsset) map[imageMaker][]assembly.ImageAsset {
	groups := map[imageMaker][]assembly.ImageAsset{}
	for _, image := range images {
		groups[p.maker(image)] = append(groups[p.maker(image)], image)
	}
	return groups
}

// builder makes images with the ImageBuilder of the options.
type builder struct{ *Publisher }

// readyTimeout is the timeout for the builder to answer.
const readyTimeout = 30 * time.Second

func (b builder) fails(ctx context.Context) unable {
	_, err := b.builds.do("ready", func() (string, error) {
		ctx, stop := context.WithTimeout(ctx, readyTimeout)
		defer stop()
		return "", b.options.ImageBuilder.Ready(ctx)
	})
	if err == nil {
		return nil
	}
	return &NoBuilderError{b.options.ImageBuilder.Address(), err}
}

// explain keeps the kind of the cause: a builder that does not answer may answer soon.
func (e *NoBuilderError) explain(doing string) error {
	if errs.KindOf(e.Err) == errs.Temporary {
		return errs.Temporaryf("%s: %w", doing, e).WithHint("%s", orElse(errs.HintOf(e.Err), "check that it runs, and that network policies let this pod reach it"))
	}
	return errs.Invalidf("%s: %w", doing, e).WithHint("%s", orElse(errs.HintOf(e.Err), "check imageBuilder in the configuration"))
}

func (b builder) build(ctx context.Context, w imageWork) error {
	if w.image.Missing != nil {
		return missing(w.image.Name, w.image.Missing)
	}
	_, err := b.builds.do("image "+w.image.ID, func() (string, error) {
		b.options.Notify(Event{Asset: w.image.Name, Step: Building})
		return "", b.run(ctx, w, "")
	})
	return err
}

// push builds again, which takes what was built, as only a build can push.
func (b builder) push(ctx context.Context, w imageWork, remote string) error {
	return retryPush(ctx, func() error { return b.run(ctx, w, remote) })
}

func (b builder) run(ctx context.Context, w imageWork, remote string) error {
	out := b.options.Redactor.Writer(b.options.Out)
	limited, stop := context.WithTimeout(ctx, b.options.Limit)
	defer stop()
	err := b.options.ImageBuilder.Build(limited, Image{
		Name: w.image.Name, Key: b.key + w.image.ID, Options: w.image.Build, Env: b.options.Env, Push: remote,
		Folders: b.foldersFor(w.list), Login: b.loginFor(w), Out: out, Mask: b.options.Redactor,
		Read: b.packed, Entries: b.options.Budget.Or(limits.Workspace()).Entries,
	})
	err = errors.Join(err, out.Close())
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return errs.Failedf("building the image %s: it was stopped after its limit of %s", w.image.Name, b.options.Limit)
	}
	return err
}

// foldersFor returns what the images of a manifest may name files of.
func (b builder) foldersFor(list *assembly.AssetManifest) []Folder {
	var folders []Folder
	for _, path := range slices.Compact([]string{list.Root, b.options.Workspace}) {
		if path != "" {
			folders = append(folders, Folder{Path: path, Named: b.options.Place(path)})
		}
	}
	return folders
}

// loginFor returns the credentials of a build: for the registry of its repository those of
// the role that publishes the image, for others those that the credentials file names.
func (b builder) loginFor(w imageWork) func(context.Context, string) (string, string, error) {
	own, _, _ := strings.Cut(w.uri, "/")
	return func(ctx context.Context, registry string) (user, password string, err error) {
		switch login, domain := b.options.Registries.of(registry); {
		case registry == own:
			user, password, err = ecrLogin(ctx, w.client, registry)
		case b.options.Registries.err != nil:
			return "", "", b.options.Registries.err
		case domain != "":
			user, password, err = b.credentials(ctx, domain, login, w.to)
		}
		b.options.Redactor.Add(password)
		return user, password, err
	}
}

// dockerHub are the names of Docker Hub: that of its API comes from the builder.
var dockerHub = []string{"registry-1.docker.io", "docker.io", "index.docker.io", "https://index.docker.io/v1/"}

// of returns where the credentials for the host of a registry are, and the domain that the
// file names it by; "" if it does not.
func (r Registries) of(host string) (registryLogin, string) {
	names := []string{host, "https://" + host}
	if slices.Contains(dockerHub, host) {
		names = dockerHub
	}
	for _, name := range names {
		if login, found := r.logins[name]; found {
			return login, name
		}
	}
	return registryLogin{}, ""
}
