package assets

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// build gives the name of a local image, building it once if it is not there,
// with a configuration of docker or else with docker's own.
func (p *Publisher) build(ctx context.Context, list *assembly.AssetManifest, image assembly.ImageAsset, config string) (string, error) {
	if image.Missing != nil {
		return "", missing(image.Name, image.Missing)
	}
	local := "cdkasset-" + strings.ToLower(image.ID)
	return p.images.do(local, func() (string, error) {
		p.options.Notify(Event{Asset: image.Name, Step: Building})
		if len(image.Command) > 0 {
			name, err := p.output(ctx, image.Command, list.Dir, "making the image "+image.Name)
			if err == nil && name == "" {
				err = errs.Failedf("the command that makes the image %s printed no image name", image.Name)
			}
			return name, err
		}
		var flags []string
		if config != "" {
			dir, err := p.configFolder(config)
			if err != nil {
				return "", err
			}
			defer os.RemoveAll(dir)
			flags = []string{"--config", dir}
		}
		there, err := p.hasImage(ctx, local, flags)
		if err != nil || there {
			return local, err
		}
		arguments := slices.Concat(flags, []string{"build"}, buildArguments(image.Build, local))
		return local, p.dockerIn(ctx, image.Build.Dir, "building the image "+image.Name, "",
			[]string{"BUILDX_NO_DEFAULT_ATTESTATIONS=1"}, p.options.Out, arguments...)
	})
}

// missing says that an asset that has to be built has no source.
func missing(name string, why error) error {
	return errs.Invalidf("the asset %s: %w", name, why).WithHint("synthesize the app again, and keep the whole folder that it writes")
}

// hasImage says whether docker has an image of that name. Docker answers "no" with exit code 1, podman with 125.
func (p *Publisher) hasImage(ctx context.Context, name string, flags []string) (bool, error) {
	err := p.dockerIn(ctx, "", "looking for the image "+name, "", nil, io.Discard, slices.Concat(flags, []string{"inspect", name})...)
	var exit *command.ExitError
	if errors.As(err, &exit) && (exit.Code == 1 || exit.Code == 125) {
		return false, nil
	}
	return err == nil, err
}

// buildArguments gives the options of the manifest in the CDK's order.
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

func (p *Publisher) docker(ctx context.Context, doing, stdin string, env []string, args ...string) error {
	return p.dockerIn(ctx, "", doing, stdin, env, p.options.Out, args...)
}

// dockerIn runs the program that CDK_DOCKER names, docker by default.
func (p *Publisher) dockerIn(ctx context.Context, dir, doing, stdin string, env []string, out io.Writer, args ...string) error {
	err := p.run(ctx, append([]string{p.program()}, args...), dir, stdin, env, out, doing)
	if errors.Is(err, command.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return p.noDocker(doing)
	}
	return err
}

// program is the one that CDK_DOCKER names, docker by default.
func (p *Publisher) program() string {
	return cmp.Or(variable(p.options.Env, "CDK_DOCKER"), "docker")
}

// NoDockerError says why no image can be built.
type NoDockerError struct {
	Program string // docker, or what CDK_DOCKER names
	Silent  string // what it says of its daemon; "" where there is no such program
}

// Error says it in words.
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
			WithHint("start it, say in DOCKER_HOST where it is, or name another program, such as podman or finch, in the variable CDK_DOCKER")
	}
	return errs.Invalidf("%s: %w", doing, e).
		WithHint("install docker, or name another program, such as podman or finch, in the variable CDK_DOCKER")
}

// Ready makes sure, before anything is deployed, that images which are not in their
// registry can be built: by a program that is there, and whose daemon answers.
func (p *Publisher) Ready(ctx context.Context, list *assembly.AssetManifest, to Place) error {
	if len(list.Images) == 0 {
		return nil
	}
	unable := p.dockerFails(ctx)
	if unable == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return p.haveToBeBuilt(ctx, list, to, unable)
}

// versioned are the programs that ask their daemon for its version.
var versioned = []string{"docker", "podman", "finch", "nerdctl"}

// patience is how long a daemon may take to answer.
const patience = 30 * time.Second

// dockerFails says why no image can be built; nil is that it can be.
func (p *Publisher) dockerFails(ctx context.Context) *NoDockerError {
	if _, err := p.options.Runner.LookPath(p.program()); err != nil {
		return &NoDockerError{Program: p.program()}
	}
	if !slices.Contains(versioned, filepath.Base(p.program())) {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	var said lastBytes
	err := p.options.Runner.Run(ctx, command.Command{Args: []string{p.program(), "version"}, Env: p.options.Env, Stderr: &said})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &NoDockerError{p.program(), fmt.Sprintf("it does not answer within %s", patience)}
	}
	if line := said.line(); unreachable.MatchString(line) {
		return &NoDockerError{p.program(), line}
	}
	return nil // a program of that name that has another idea of what a version is
}

// unreachable matches what docker, podman, finch and nerdctl say when their daemon,
// or its virtual machine, does not answer.
var unreachable = regexp.MustCompile(`(?i)daemon|connect|socket|\bvm\b|machine`)

// haveToBeBuilt is an error where one of the images is not in its registry. A
// registry that is still to be made has none.
func (p *Publisher) haveToBeBuilt(ctx context.Context, list *assembly.AssetManifest, to Place, unable *NoDockerError) error {
	seen, err := p.Look(ctx, &assembly.AssetManifest{Images: list.Images, Bootstrap: list.Bootstrap}, to)
	var missing *NoPlaceError
	if err != nil && !errors.As(err, &missing) {
		return err
	}
	for _, image := range seen {
		if !image.There {
			return unable.explain("the image " + image.Asset + " has to be built")
		}
	}
	return nil
}

// requireDocker makes sure that images which are not in their registry can be
// built, before anything of the manifest is published.
func (p *Publisher) requireDocker(ctx context.Context, list *assembly.AssetManifest, to Place) error {
	if len(list.Images) == 0 {
		return nil
	}
	if _, err := p.options.Runner.LookPath(p.program()); err == nil {
		return nil
	}
	return p.haveToBeBuilt(ctx, list, to, &NoDockerError{Program: p.program()})
}

// output runs a command of the manifest and gives what it prints, without space around it.
func (p *Publisher) output(ctx context.Context, args []string, dir, doing string) (string, error) {
	var out bytes.Buffer
	err := p.run(ctx, args, dir, "", nil, &out, doing)
	return strings.TrimSpace(out.String()), err
}

func (p *Publisher) run(ctx context.Context, args []string, dir, stdin string, env []string, out io.Writer, doing string) error {
	var said lastBytes
	shown := io.Writer(p.options.Out)
	if out == io.Discard {
		shown = io.Discard // a question whose answer is "no" is no error to show
	}
	stderr := p.options.Redactor.Writer(io.MultiWriter(shown, &said))
	c := command.Command{Args: args, Dir: dir, Env: slices.Concat(p.options.Env, env), Limit: p.options.Limit, Stdout: out, Stderr: stderr}
	if out == p.options.Out {
		c.Stdout = stderr // one writer keeps the order
	}
	if stdin != "" {
		c.Stdin = strings.NewReader(stdin)
	}
	err := errors.Join(p.options.Runner.Run(ctx, c), stderr.Close())
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return errs.Failedf("%s: %s: %w", doing, said.line(), err)
}

// lastBytes keeps the end of what is written to it.
type lastBytes struct{ kept []byte }

func (l *lastBytes) Write(p []byte) (int, error) {
	l.kept = append(l.kept, p...)
	if extra := len(l.kept) - 4096; extra > 0 {
		l.kept = slices.Clone(l.kept[extra:])
	}
	return len(p), nil
}

// line is the last line written.
func (l *lastBytes) line() string {
	text := strings.TrimSpace(string(l.kept))
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

// oneAtATime is a writer for many goroutines.
type oneAtATime struct {
	mu sync.Mutex
	to io.Writer
}

func (w *oneAtATime) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
