package stageimages

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// unpack writes the files of the image to a folder, with owners and modes, which
// needs root. The image was just built here, so its names are trusted.
func (i image) unpack(root string) error {
	for _, layer := range i.Layers {
		err := i.archive.read(layer, func(m member, content io.Reader) error {
			to := filepath.Join(root, m.name)
			if gone, ok := strings.CutPrefix(filepath.Base(to), removed); ok {
				return os.RemoveAll(filepath.Join(filepath.Dir(to), gone))
			}
			return put(root, to, m.header, content)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// put writes one member, replacing that of a lower layer.
func put(root, to string, header *tar.Header, content io.Reader) error {
	if info, err := os.Lstat(to); err == nil && !(info.IsDir() && header.Typeflag == tar.TypeDir) {
		if err := os.RemoveAll(to); err != nil {
			return err
		}
	}
	switch header.Typeflag {
	case tar.TypeLink:
		return os.Link(filepath.Join(root, header.Linkname), to)
	case tar.TypeSymlink:
		return errors.Join(os.Symlink(header.Linkname, to), os.Lchown(to, header.Uid, header.Gid))
	case tar.TypeDir:
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
	case tar.TypeReg:
		if err := write(to, content); err != nil {
			return err
		}
	default:
		return nil // devices: the container has its own /dev
	}
	mode := header.FileInfo().Mode()
	return errors.Join(os.Chown(to, header.Uid, header.Gid), os.Chmod(to, mode))
}

func write(to string, content io.Reader) error {
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
