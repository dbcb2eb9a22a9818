package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
)

// Image is an image of static programs only.
type Image struct {
	Name       string   // with its tag
	Files      []string // programs, put into /usr/local/bin
	Entrypoint []string
}

// archiveUser is the user that runs the programs of such an image.
const archiveUser = "8737"

// Archive writes an image as docker save would.
func (i Image) Archive(file string) error {
	var layer bytes.Buffer
	if err := i.layer(&layer); err != nil {
		return err
	}
	sum := sha256.Sum256(layer.Bytes())
	config := map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"User": archiveUser, "Entrypoint": i.Entrypoint, "Env": []string{"PATH=/usr/local/bin"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(sum[:])}},
	}
	manifest := []map[string]any{{"Config": "config.json", "RepoTags": []string{i.Name}, "Layers": []string{"layer.tar"}}}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	archive := tar.NewWriter(out)
	for _, member := range []struct {
		name    string
		content any
	}{{"layer.tar", layer.Bytes()}, {"config.json", config}, {"manifest.json", manifest}} {
		content, raw := member.content.([]byte)
		if !raw {
			if content, err = json.Marshal(member.content); err != nil {
				return err
			}
		}
		if err := put(archive, member.name, 0o644, content); err != nil {
			return err
		}
	}
	return archive.Close()
}

func (i Image) layer(to *bytes.Buffer) error {
	archive := tar.NewWriter(to)
	for _, folder := range []string{"tmp"} {
		if err := archive.WriteHeader(&tar.Header{Name: folder + "/", Typeflag: tar.TypeDir, Mode: 0o1777}); err != nil {
			return err
		}
	}
	for _, file := range i.Files {
		content, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("making the image %s: %w", i.Name, err)
		}
		if err := put(archive, path.Join("usr/local/bin", filepath.Base(file)), 0o755, content); err != nil {
			return err
		}
	}
	return archive.Close()
}

func put(archive *tar.Writer, name string, mode int64, content []byte) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}
