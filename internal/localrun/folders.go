package localrun

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/command/remove"
)

// folders maps mount paths to the folders of the volumes.
type folders []struct{ mountPath, dir string }

func (r *runner) volumes(step string, node Node) (folders, error) {
	var made folders
	for _, mount := range node.containers()[0].VolumeMounts {
		if node.projects(mount.Name) {
			continue
		}
		dir := filepath.Join(r.options.Dir, step, mount.Name)
		if err := remove.All(dir); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		made = append(made, struct{ mountPath, dir string }{mount.MountPath, dir})
	}
	return made, nil
}

func (f folders) first() string {
	if len(f) == 0 {
		return ""
	}
	return f[0].dir
}

// local replaces a path below a mount by the path in the folder of its volume.
func (f folders) local(value string) string {
	for _, folder := range f {
		if rest, ok := strings.CutPrefix(value, folder.mountPath); ok && (rest == "" || rest[0] == '/') {
			return folder.dir + rest
		}
	}
	return value
}

func (f folders) remove() {
	for _, folder := range f {
		_ = remove.All(filepath.Dir(folder.dir)) // leftovers only take space
	}
}
