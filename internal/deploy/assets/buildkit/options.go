package buildkit

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/tonistiigi/fsutil"

	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// request is what is asked of BuildKit for one image.
type request struct {
	image   assets.Image
	attrs   map[string]string    // of the frontend
	mounts  map[string]fsutil.FS // folders that BuildKit may read
	roots   []*os.Root           // of these
	refused []string             // options that cannot be had, each with the reason
}

// close closes the folders.
func (r *request) close() {
	for _, root := range r.roots {
		_ = root.Close()
	}
}

// refuse notes an option of the build that BuildKit does not get.
func (r *request) refuse(option, value, why string) {
	r.refused = append(r.refused, fmt.Sprintf("%s %q: %s", option, value, why))
}

// options translates what the manifest says of a build.
func (r *request) options() (client.SolveOpt, error) {
	o := r.image.Options
	r.attrs, r.mounts = map[string]string{}, map[string]fsutil.FS{}
	for name, value := range o.Args {
		r.attrs["build-arg:"+name] = value
	}
	if o.Target != "" {
		r.attrs["target"] = o.Target
	}
	if o.Platform != "" {
		r.attrs["platform"] = o.Platform
	}
	if o.CacheDisabled {
		r.attrs["no-cache"] = ""
	}
	if err := r.folder(); err != nil {
		return client.SolveOpt{}, err
	}
	secrets := r.secrets()
	r.network()
	r.contexts()
	imports, exports := r.caches()
	exporter := r.exporter()
	if o.SSH != "" {
		r.refuse("dockerBuildSsh", o.SSH, "there is no SSH agent; give the key as a secret whose file a command writes, or fetch over https")
	}
	if len(r.refused) > 0 {
		return client.SolveOpt{}, errs.Invalidf("the image %s has options that the image builder does not take:\n  %s", r.image.Name, strings.Join(r.refused, "\n  ")).
			WithHint("change the options of the asset, or build it with docker: leave out imageBuilder, or give the asset an executable")
	}
	options := client.SolveOpt{
		Frontend: "dockerfile.v0", FrontendAttrs: r.attrs, LocalMounts: r.mounts, SharedKey: r.image.Key,
		CacheImports: imports, Session: []session.Attachable{secretsprovider.FromMap(secrets), logins{of: r.image.Login}},
	}
	if r.image.Push != "" {
		options.Exports, options.CacheExports = []client.ExportEntry{exporter}, exports
	}
	return options, nil
}

// maxDockerfile bounds in bytes what is read of a Dockerfile. BuildKit reads as much.
const maxDockerfile = 2 << 20

// folder gives BuildKit the folder of the build, and finds which frontend the Dockerfile asks for.
func (r *request) folder() error {
	root, err := open(r.image.Folders, "", r.image.Options.Dir)
	if err != nil {
		return errs.Invalidf("the folder of the image %s: %w", r.image.Name, err)
	}
	r.mount("context", root)
	r.mounts["dockerfile"] = r.mounts["context"]
	names := []string{filepath.ToSlash(r.image.Options.File)}
	if names[0] == "" {
		names = []string{"Dockerfile", "dockerfile"}
	}
	for i, name := range names {
		text, err := limits.ReadFileIn(root, filepath.FromSlash(name), maxDockerfile)
		switch {
		case err == nil:
			r.attrs["filename"] = path.Clean(name)
			return r.frontend(text)
		case !errors.Is(err, fs.ErrNotExist) || i == len(names)-1:
			return errs.Invalidf("the Dockerfile of the image %s: %w", r.image.Name, err).WithHint("it is in the folder of the image, and a link does not lead out of it")
		}
	}
	return nil
}

// frontend lets BuildKit's own frontend, or one of Docker's, read the Dockerfile: another is
// code that would run with what BuildKit may do. What is decided here holds whatever the file
// says later.
func (r *request) frontend(dockerfile []byte) error {
	const argument = "build-arg:BUILDKIT_SYNTAX"
	line, given := r.attrs[argument]
	if !given {
		_, line, _, given = parser.DetectSyntax(dockerfile)
	}
	image, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch {
	case !given:
		r.attrs["cmdline"] = "" // is not looked for again
	case !isDockers(image):
		return errs.Invalidf("the Dockerfile of the image %s has the syntax %q, which is not one of docker/dockerfile", r.image.Name, image).
			WithHint("remove the line `# syntax=`, or write docker/dockerfile:1: other frontends are not run")
	default:
		r.attrs[argument] = line
	}
	return nil
}

// isDockers reports whether the image of a frontend is one of Docker's repositories.
func isDockers(image string) bool {
	named, err := reference.ParseNormalizedNamed(image)
	return err == nil && slices.Contains([]string{"docker.io/docker/dockerfile", "docker.io/docker/dockerfile-upstream"}, named.Name())
}

// beforePlatform returns the name of a context without the platform that it is for.
func beforePlatform(name string) string {
	name, _, _ = strings.Cut(name, "::")
	return name
}

// mount lets BuildKit read a folder by a name.
func (r *request) mount(name string, root *os.Root) {
	r.roots = append(r.roots, root)
	r.mounts[name] = folder{root, r.image.Read, r.image.Entries}
}

// network translates how the steps reach the network: in BuildKit, or not at all.
func (r *request) network() {
	switch mode := r.image.Options.Network; mode {
	case "", "default":
	case "none":
		r.attrs["force-network-mode"] = mode
	default:
		r.refuse("networkMode", mode, "steps have the network of BuildKit's sandbox, or none")
	}
}

// contexts translates named contexts: folders of the build, and what BuildKit fetches itself.
func (r *request) contexts() {
	if len(r.image.Options.Contexts) > 0 {
		r.attrs["frontend.caps"] = "moby.buildkit.frontend.contexts+forward" // an older frontend would ignore them
	}
	for number, name := range slices.Sorted(maps.Keys(r.image.Options.Contexts)) {
		source := r.image.Options.Contexts[name]
		switch {
		case isDockers(beforePlatform(name)):
			r.refuse("buildContexts", name+"="+source, "it would replace the frontend that reads the Dockerfile")
		case strings.HasPrefix(source, "docker-image://"), strings.HasPrefix(source, "https://"), strings.HasPrefix(source, "http://"), strings.HasPrefix(source, "git://"):
			r.attrs["context:"+name] = source
		case strings.HasPrefix(source, "ssh://"), strings.HasPrefix(source, "git@"):
			r.refuse("buildContexts", name+"="+source, "there is no SSH agent; write its address with https://")
		case strings.HasPrefix(source, "oci-layout://"):
			r.refuse("buildContexts", name+"="+source, "push the image to a registry, and name it with docker-image://")
		default:
			root, err := open(r.image.Folders, r.image.Options.Dir, strings.TrimPrefix(source, "file://"))
			if err != nil {
				r.refuse("buildContexts", name+"="+source, err.Error())
				continue
			}
			mount := fmt.Sprintf("named-%d", number)
			r.mount(mount, root)
			r.attrs["context:"+name] = "local:" + mount
		}
	}
}

// exporter pushes to the destination alone. Outputs may only say how the image is packed.
func (r *request) exporter() client.ExportEntry {
	if named, err := reference.ParseNormalizedNamed(r.image.Push); r.image.Push != "" && (err != nil || named.String() != r.image.Push) {
		r.refuse("destination", r.image.Push, "it is not the name of one image") // BuildKit pushes to each name of a list
	}
	attrs := map[string]string{"name": r.image.Push, "push": "true", "oci-mediatypes": "false"}
	for _, output := range r.image.Options.Outputs {
		entries, err := fields(output)
		if err != nil {
			r.refuse("dockerOutputs", output, err.Error())
			continue
		}
		for _, entry := range entries {
			key, value, _ := strings.Cut(entry, "=")
			switch key = strings.ToLower(strings.TrimSpace(key)); {
			case key == "type" && (value == "docker" || value == "image"), key == "push" && value == "false":
			case slices.Contains([]string{"compression", "compression-level", "force-compression", "oci-mediatypes", "rewrite-timestamp"}, key):
				attrs[key] = value
			default:
				r.refuse("dockerOutputs", output, fmt.Sprintf("the image goes to its repository alone; %q is not taken", cmp.Or(key, output)))
			}
		}
	}
	return client.ExportEntry{Type: client.ExporterImage, Attrs: attrs}
}

// insecure is the parameter of a cache that lets BuildKit send logins over plain HTTP, and to
// whoever answers with any certificate.
const (
	insecure   = "registry.insecure"
	notOverTLS = "a registry is reached over TLS alone; let the settings of a BuildKit of your own name one that is not"
)

// caches translates caches: in registries, and that in the image itself. BuildKit keeps one
// of its own besides.
func (r *request) caches() (imports, exports []client.CacheOptionsEntry) {
	for _, cache := range r.image.Options.CacheFrom {
		if cache.Type != "registry" {
			r.refuse("cacheFrom", cache.Type, "only type=registry is read; BuildKit keeps a cache of its own")
			continue
		}
		if value, given := cache.Params[insecure]; given {
			r.refuse("cacheFrom", insecure+"="+value, notOverTLS)
		}
		imports = append(imports, client.CacheOptionsEntry{Type: cache.Type, Attrs: maps.Clone(cache.Params)})
	}
	cache := r.image.Options.CacheTo
	if cache == nil {
		return imports, nil
	}
	if value, given := cache.Params[insecure]; given {
		r.refuse("cacheTo", insecure+"="+value, notOverTLS)
	}
	switch host := hostOf(cache.Params["ref"]); {
	case cache.Type == "inline":
	case cache.Type != "registry":
		r.refuse("cacheTo", cache.Type, "only type=inline and type=registry are written; BuildKit keeps a cache of its own")
	case r.image.Push != "" && host != hostOf(r.image.Push):
		r.refuse("cacheTo", cache.Params["ref"], "it is written to the registry of the image alone")
	}
	return imports, []client.CacheOptionsEntry{{Type: cache.Type, Attrs: maps.Clone(cache.Params)}}
}

// hostOf returns the registry of an image.
func hostOf(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return ""
	}
	return reference.Domain(named)
}
