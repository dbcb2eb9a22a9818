package archive

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync/atomic"
)

// folder is an open folder with a reference count. Files of one folder are
// adjacent, so that it is opened once and not for each file.
type folder struct {
	path  string
	root  *os.Root
	users atomic.Int32
}

func (f *folder) release() {
	if f != nil && f.users.Add(-1) == 0 {
		_ = f.root.Close()
	}
}

// open returns the folder of a file, with another reference.
func (u *unpacker) open(dir string) (*folder, error) {
	if u.current == nil || u.current.path != dir {
		root, err := u.root.OpenRoot(dir)
		if err != nil {
			return nil, u.refused(err)
		}
		u.current.release()
		u.current = &folder{path: dir, root: root}
		u.current.users.Store(1)
	}
	u.current.users.Add(1)
	return u.current, nil
}

func (u *unpacker) file(ctx context.Context, name string, entry *tar.Header, content io.Reader) error {
	u.done.Files++
	u.done.Bytes += entry.Size
	in, err := u.open(path.Dir(name))
	if err != nil {
		return err
	}
	j := job{folder: in, name: path.Base(name), mode: fs.FileMode(entry.Mode).Perm()}
	if u.keepTimes {
		j.time = entry.ModTime
	}
	if entry.Size > small {
		defer in.release()
		return u.write(j, content)
	}
	j.data = make([]byte, entry.Size)
	if _, err := io.ReadFull(content, j.data); err != nil {
		in.release()
		return err
	}
	select {
	case u.jobs <- j:
		return nil
	case <-ctx.Done():
		in.release()
		return ctx.Err()
	}
}

func (u *unpacker) work() error {
	for j := range u.jobs {
		err := u.write(j, nil)
		j.folder.release()
		if err != nil {
			return fmt.Errorf("%q: %w", path.Join(j.folder.path, j.name), err)
		}
	}
	return nil
}

// write creates a file with the job's data, or with the contents of r.
func (u *unpacker) write(j job, r io.Reader) error {
	file, err := j.folder.root.OpenFile(j.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, j.mode|0o600)
	if err != nil {
		return u.refused(err)
	}
	if r == nil {
		_, err = file.Write(j.data)
	} else {
		_, err = io.Copy(file, r)
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil && !j.time.IsZero() {
		err = j.folder.root.Chtimes(j.name, j.time, j.time)
	}
	return u.refused(err)
}
