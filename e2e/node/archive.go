package node

import (
	"archive/tar"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// Image is an image of programs of this machine.
type Image struct {
	Name       string   // with its tag
	Files      []string // static programs, put into /usr/local/bin
	Entrypoint []string
	Others     []Other  // what is in other folders
	User       string   // "" is archiveUser
	Env        []string // besides PATH
}

// Other is a file or folder of an image outside of /usr/local/bin.
type Other struct {
	Path  string // without a leading slash; that of a folder ends with one
	From  string // file of this machine; "" is a folder, or a file with Text
	Text  string
	Mode  int64
	Owner int

	Capability byte // bit of one that the program gains; 0 is none
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
		"config": map[string]any{
			"User": cmp.Or(i.User, archiveUser), "Entrypoint": i.Entrypoint, "Env": append([]string{"PATH=/usr/local/bin:/usr/bin"}, i.Env...),
		},
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
	members := []Other{{Path: "tmp/", Mode: 0o1777}}
	for _, file := range i.Files {
		members = append(members, Other{Path: path.Join("usr/local/bin", filepath.Base(file)), From: file, Mode: 0o755})
	}
	for _, member := range append(members, i.Others...) {
		if err := member.put(archive); err != nil {
			return fmt.Errorf("making the image %s: %w", i.Name, err)
		}
	}
	return archive.Close()
}

func (o Other) put(archive *tar.Writer) error {
	header := &tar.Header{Name: o.Path, Mode: o.Mode, Uid: o.Owner, Gid: o.Owner, Typeflag: tar.TypeReg}
	if o.Capability != 0 { // the kernel's vfs_cap_data, version 2: effective, and one permitted
		header.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": string(append([]byte{1, 0, 0, 2, o.Capability}, make([]byte, 15)...))}
	}
	if strings.HasSuffix(o.Path, "/") {
		header.Typeflag = tar.TypeDir
		return archive.WriteHeader(header)
	}
	content := []byte(o.Text)
	if o.From != "" {
		var err error
		if content, err = os.ReadFile(o.From); err != nil {
			return err
		}
	}
	header.Size = int64(len(content))
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

func put(archive *tar.Writer, name string, mode int64, content []byte) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}
