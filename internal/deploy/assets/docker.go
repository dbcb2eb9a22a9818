package assets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// docker makes images with docker.
type docker struct{ *Publisher }

func (d docker) fails(ctx context.Context) unable {
	if err := d.dockerFails(ctx); err != nil {
		return err
	}
	return nil
}

func (d docker) build(ctx context.Context, w imageWork) error {
	_, err := d.local(ctx, w)
	return err
}

// local builds an image and returns its local name. It logs in to the image's registry
// first, as that may have its base image. If there is a credentials file, it logs in to
// the registries in the file instead, as the CDK CLI does.
func (d docker) local(ctx context.Context, w imageWork) (string, error) {
	config, err := d.dockerConfig(ctx, w.to)
	if err == nil && config == "" {
		err = d.login(ctx, w.client, w.uri)
	}
	if err != nil {
		return "", err
	}
	return d.buildImage(ctx, w.list, w.image, config)
}

func (d docker) push(ctx context.Context, w imageWork, remote string) error {
	local, err := d.local(ctx, w)
	if err != nil {
		return err
	}
	if err := d.login(ctx, w.client, w.uri); err != nil {
		return err
	}
	if err := d.docker(ctx, "tagging the image "+w.image.Name, "", nil, "tag", local, remote); err != nil {
		return err
	}
	logins, err := d.loginVariables(ctx)
	if err != nil {
		return err
	}
	return retryPush(ctx, func() error {
		return d.docker(ctx, "pushing the image "+w.image.Name, "", logins, "push", remote)
	})
}

// buildImage builds a local image once, unless it exists, and returns its name. An
// empty config is docker's default configuration.
func (p *Publisher) buildImage(ctx context.Context, list *assembly.AssetManifest, image assembly.ImageAsset, config string) (string, error) {
	if image.Missing != nil {
		return "", missing(image.Name, image.Missing)
	}
	local := "cdkasset-" + strings.ToLower(image.ID)
	return p.images.do(local, func() (string, error) {
		p.options.Notify(Event{Asset: image.Name, Step: Building})
		if len(image.Command) > 0 {
			name, err := p.output(ctx, image.Command, p.options.Place(list.Dir), "building the image "+image.Name)
			if err == nil && name == "" {
				err = errs.Failedf("the command that builds the image %s printed no image name", image.Name)
			}
			return name, err
		}
		var flags []string
		variables := []string{"BUILDX_NO_DEFAULT_ATTESTATIONS=1"}
		if config != "" {
			dir, err := p.folderForDocker(ctx, []byte(config))
			if err != nil {
				return "", err
			}
			defer p.removeFolder(ctx, dir)
			flags = []string{"--config", p.options.Runner.Place(dir)}
		} else {
			logins, err := p.loginVariables(ctx)
			if err != nil {
				return "", err
			}
			variables = append(variables, logins...)
		}
		there, err := p.hasImage(ctx, local, flags)
		if err != nil || there {
			return local, err
		}
		arguments := slices.Concat(flags, []string{"build"}, buildArguments(image.Build, local))
		return local, p.dockerIn(ctx, p.options.Place(image.Build.Dir), "building the image "+image.Name, "", variables, p.options.Out, arguments...)
	})
}

// missing is the error for an asset without a source to build it from.
func missing(name string, why error) error {
	return errs.Invalidf("the asset %s: %w", name, why).WithHint("synthesize the app again, and keep its whole output folder")
}

// hasImage reports whether docker has an image of that name. If not, docker exits with code 1, podman with 125.
func (p *Publisher) hasImage(ctx context.Context, name string, flags []string) (bool, error) {
	err := p.dockerIn(ctx, "", "inspecting the image "+name, "", nil, io.Discard, slices.Concat(flags, []string{"inspect", name})...)
	var exit *command.ExitError
	if errors.As(err, &exit) && (exit.Code == 1 || exit.Code == 125) {
		return false, nil
	}
	return err == nil, err
}

// buildArguments returns the options of the manifest in the CDK's order.
func buildArguments(b *assembly.ImageBuild, tag string) []string {
	var args []string
	add := func(flag string, values ...string) {
		for _, value := range values {
			if value != "" {
				args = append(args, flag, value)
			}
		}
	}
	add("--build-arg", pairs(b.Args, "=")...)
	add("--build-context", pairs(b.Contexts, "=")...)
	for _, secret := range pairs(b.Secrets, ",") {
		add("--secret", "id="+secret)
	}
	add("--ssh", b.SSH)
	add("--tag", tag)
	add("--target", b.Target)
	add("--file", b.File)
	add("--network", b.Network)
	add("--platform", b.Platform)
	for _, output := range b.Outputs {
		args = append(args, "--output="+output)
	}
	for _, cache := range b.CacheFrom {
		add("--cache-from", cacheFlag(cache))
	}
	if b.CacheTo != nil {
		add("--cache-to", cacheFlag(*b.CacheTo))
	}
	if b.CacheDisabled {
		args = append(args, "--no-cache")
	}
	return append(args, ".")
}

func cacheFlag(cache assembly.CacheOption) string {
	return strings.Join(append([]string{"type=" + cache.Type}, pairs(cache.Params, "=")...), ",")
}

func pairs(values map[string]string, between string) (list []string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		list = append(list, key+between+values[key])
	}
	return list
}

// docker runs docker.
func (p *Publisher) docker(ctx context.Context, doing, stdin string, env []string, args ...string) error {
	return p.dockerIn(ctx, "", doing, stdin, env, p.options.Out, args...)
}

// dockerIn runs docker in a folder.
func (p *Publisher) dockerIn(ctx context.Context, dir, doing, stdin string, env []string, out io.Writer, args ...string) error {
	err := p.run(ctx, append([]string{p.program()}, args...), dir, stdin, env, out, doing)
	if errors.Is(err, command.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return p.noDocker(doing)
	}
	return err
}

// program returns the value of CDK_DOCKER, or docker.
func (p *Publisher) program() string {
	return cmp.Or(variable(p.options.Env, "CDK_DOCKER"), "docker")
}

// NoDockerError is why no image can be built.
type NoDockerError struct {
	Program string // docker, or the value of CDK_DOCKER
	Silent  string // its error about the daemon; "" if the program does not exist
}

// Error describes the error.
func (e *NoDockerError) Error() string {
	if e.Silent == "" {
		return fmt.Sprintf("there is no program %q", e.Program)
	}
	return fmt.Sprintf("%s cannot reach its daemon: %s", e.Program, e.Silent)
}

func (p *Publisher) noDocker(doing string) error {
	return (&NoDockerError{Program: p.program()}).explain(doing)
}

func (e *NoDockerError) explain(doing string) error {
	if e.Silent != "" {
		return errs.Invalidf("%s: %w", doing, e).
			WithHint("start it, set its address in DOCKER_HOST, or set CDK_DOCKER to another program, such as podman or finch")
	}
	return errs.Invalidf("%s: %w", doing, e).
		WithHint("in a cluster, set imageBuilder in the configuration; on a machine, install docker, set CDK_DOCKER to another program, such as podman or finch, or pass --image-builder")
}

// Ready checks that images which are not in their registry can be built: that docker
// exists and its daemon responds, or that the image builder does.
func (p *Publisher) Ready(ctx context.Context, list *assembly.AssetManifest, to Target) error {
	for maker, images := range p.byMaker(list.Images) {
		why := maker.fails(ctx)
		if why == nil || ctx.Err() != nil {
			continue
		}
		if err := p.checkPublished(ctx, images, list.Bootstrap, to, why); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// versioned are the programs whose version command contacts the daemon.
var versioned = []string{"docker", "podman", "finch", "nerdctl"}

// daemonTimeout is the timeout for the daemon.
const daemonTimeout = 30 * time.Second

// dockerFails returns why no image can be built, or nil.
func (p *Publisher) dockerFails(ctx context.Context) *NoDockerError {
	if _, err := p.options.Runner.LookPath(p.program()); err != nil {
		return &NoDockerError{Program: p.program()}
	}
	if !slices.Contains(versioned, filepath.Base(p.program())) {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, daemonTimeout)
	defer stop()
	var said lastBytes
	err := p.options.Runner.Run(ctx, command.Command{Args: []string{p.program(), "version"}, Env: p.options.Env, Stderr: &said})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &NoDockerError{p.program(), fmt.Sprintf("no response within %s", daemonTimeout)}
	}
	if line := said.line(); unreachable.MatchString(line) {
		return &NoDockerError{p.program(), line}
	}
	return nil // not an error of the daemon
}

// unreachable matches the errors of docker, podman, finch and nerdctl for an
// unreachable daemon or virtual machine.
var unreachable = regexp.MustCompile(`(?i)daemon|connect|socket|\bvm\b|machine`)

// checkPublished returns an error if one of the images is not in its registry, or
// if the registry does not exist yet.
func (p *Publisher) checkPublished(ctx context.Context, images []assembly.ImageAsset, needs assembly.Bootstrap, to Target, why unable) error {
	seen, err := p.Inspect(ctx, &assembly.AssetManifest{Images: images, Bootstrap: needs}, to)
	var missing *NoDestinationError
	if err != nil && !errors.As(err, &missing) {
		return err
	}
	for _, image := range seen {
		if !image.Exists {
			return why.explain("the image " + image.Asset + " must be built")
		}
	}
	return nil
}

// requireDocker checks that docker exists if an image that it builds is not in its registry.
func (p *Publisher) requireDocker(ctx context.Context, list *assembly.AssetManifest, to Target) error {
	images := p.byMaker(list.Images)[docker{p}]
	if len(images) == 0 {
		return nil
	}
	if _, err := p.options.Runner.LookPath(p.program()); err == nil {
		return nil
	}
	return p.checkPublished(ctx, images, list.Bootstrap, to, &NoDockerError{Program: p.program()})
}
