package assets

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
)

// OptionsOutside gives the options of an image's build that name a file outside of
// all the folders, or send the image somewhere by themselves. They are read as
// docker reads them, whatever the manifest calls their parts.
func OptionsOutside(b assembly.ImageBuild, folders ...string) (found []string) {
	args := buildArguments(&b, "")
	refuse := func(flag, value, why string) { found = append(found, fmt.Sprintf("%s %s %s", flag, value, why)) }
	for i, arg := range args {
		flag, value, joined := strings.Cut(arg, "=")
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		paths, why := pathsIn(flag, value)
		if why != "" {
			refuse(flag, value, why)
		}
		for _, path := range paths {
			if !within(b.Dir, path, folders) {
				refuse(flag, value, "lies outside of the cloud assembly and the repository")
			}
		}
	}
	return found
}

// pathsIn gives the files that the value of a flag of `docker build` names, and
// why it is refused whatever these are.
func pathsIn(flag, value string) (paths []string, why string) {
	switch flag {
	case "--build-context":
		_, source, _ := strings.Cut(value, "=")
		return contextPath(source), ""
	case "--ssh":
		if _, keys, named := strings.Cut(value, "="); named {
			return strings.Split(keys, ","), ""
		}
	case "--secret":
		return attributes(value, "src", "source")
	case "--cache-from":
		return attributes(value, "src")
	case "--cache-to":
		return attributes(value, "dest")
	case "--output":
		return outputPaths(value)
	}
	return nil, ""
}

// contextPath gives the folder of a build context, if it is one: others are
// images, repositories and archives of some server.
func contextPath(source string) []string {
	if layout, isLayout := strings.CutPrefix(source, "oci-layout://"); isLayout {
		folder, _, _ := strings.Cut(layout, "@")
		return []string{folder}
	}
	for _, remote := range []string{"docker-image://", "https://", "http://", "git://", "ssh://", "git@"} {
		if strings.HasPrefix(source, remote) {
			return nil
		}
	}
	return []string{strings.TrimPrefix(source, "file://")}
}

// outputPaths gives where a build writes. Images are pushed by this program only,
// to where the manifest says.
func outputPaths(value string) (paths []string, why string) {
	if !strings.Contains(value, "=") {
		if value == "-" {
			return nil, ""
		}
		return []string{value}, ""
	}
	entries, err := csv.NewReader(strings.NewReader(value)).Read()
	for _, entry := range entries {
		key, text, _ := strings.Cut(entry, "=")
		key, text = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(text)
		if key == "type" && text == "registry" || key == "push" && text != "false" || key == "push-by-digest" && text != "false" {
			return nil, "sends the image to a registry by itself"
		}
	}
	if err != nil {
		return nil, "cannot be read"
	}
	return attributes(value, "dest")
}

// attributes gives the values of some keys in a list such as "type=local,dest=out".
func attributes(value string, keys ...string) (values []string, why string) {
	entries, err := csv.NewReader(strings.NewReader(value)).Read()
	if err != nil {
		return nil, "cannot be read"
	}
	for _, entry := range entries {
		key, text, _ := strings.Cut(entry, "=")
		if slices.Contains(keys, strings.ToLower(strings.TrimSpace(key))) && text != "-" {
			values = append(values, text)
		}
	}
	return values, ""
}

// within reports whether a path, relative to dir and with all links followed, is in
// one of the folders. A path that does not exist yet is where its nearest folder is.
func within(dir, path string, folders []string) bool {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	path = followed(filepath.Clean(path))
	return slices.ContainsFunc(folders, func(folder string) bool {
		if folder == "" {
			return false
		}
		inner, err := filepath.Rel(followed(folder), path)
		return err == nil && filepath.IsLocal(inner)
	})
}

// followed follows the links of a path as far as it is there; "" is a link to nothing.
func followed(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if _, err := os.Lstat(path); err == nil {
		return ""
	}
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(followed(parent), filepath.Base(path))
	}
	return path
}
