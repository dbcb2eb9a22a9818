package world

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// registryHost is the host of the npm registry.
const registryHost = "registry.npmjs.org"

// modules is the prefix of a package in a lock file.
const modules = "node_modules/"

// npmRegistry serves the packages of a lock file, unchanged, from npm's cache.
type npmRegistry struct {
	cache    string // the folder _cacache of npm
	packages map[string]map[string]string
}

// newRegistry reads the lock file.
func newRegistry(cache, lockFile string) (*npmRegistry, error) {
	text, err := os.ReadFile(lockFile)
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version, Integrity string
			Bundled            bool `json:"inBundle"`
		}
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, err
	}
	r := &npmRegistry{cache, map[string]map[string]string{}}
	for path, found := range lock.Packages {
		at := strings.LastIndex(path, modules)
		if at < 0 || found.Integrity == "" || found.Bundled {
			continue
		}
		name := path[at+len(modules):]
		if r.packages[name] == nil {
			r.packages[name] = map[string]string{}
		}
		r.packages[name][found.Version] = found.Integrity
	}
	return r, nil
}

// ServeHTTP answers with the metadata of a package, or with the package.
func (r *npmRegistry) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	name, file, isFile := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), "/-/")
	versions := r.packages[name]
	if versions == nil {
		http.NotFound(w, request)
		return
	}
	if !isFile {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(describe(name, versions)) // clients retry
		return
	}
	version := strings.TrimSuffix(strings.TrimPrefix(file, filepath.Base(name)+"-"), ".tgz")
	http.ServeFile(w, request, r.content(versions[version]))
}

// content returns the path in npm's cache of the content with this checksum.
func (r *npmRegistry) content(integrity string) string {
	algorithm, sum, _ := strings.Cut(integrity, "-")
	raw, err := base64.StdEncoding.DecodeString(sum)
	if err != nil || len(raw) < 3 {
		return ""
	}
	digits := hex.EncodeToString(raw)
	return filepath.Join(r.cache, "content-v2", algorithm, digits[:2], digits[2:4], digits[4:])
}

func describe(name string, versions map[string]string) any {
	type dist struct {
		Tarball   string `json:"tarball"`
		Integrity string `json:"integrity"`
	}
	type version struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Dist    dist   `json:"dist"`
	}
	all := map[string]version{}
	for number, integrity := range versions {
		file := "https://" + registryHost + "/" + name + "/-/" + filepath.Base(name) + "-" + number + ".tgz"
		all[number] = version{name, number, dist{file, integrity}}
	}
	return map[string]any{"name": name, "versions": all, "dist-tags": map[string]string{}}
}
