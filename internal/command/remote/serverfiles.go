package remote

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// put receives a file or folder.
func (s *Server) put(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Query().Get("path")
	if !filepath.IsAbs(path) {
		http.Error(w, "the path is not absolute", http.StatusBadRequest)
		return
	}
	if err := receive(r.Context(), r.Body, r.Header, path, archive.Limits{}, func() error { return nil }); err != nil {
		fail(w, err)
	}
}

// get sends a file or folder, or only says what there is. What goes wrong on the way is in the trailer.
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	what, look := command.Selection{Without: query["without"], Only: query["only"]}, os.Stat
	if r.Method == http.MethodHead {
		look = os.Lstat // a link that leads nowhere is there, too
	}
	info, err := look(query.Get("path"))
	if err != nil {
		fail(w, err)
		return
	}
	describe(w.Header(), info)
	if r.Method == http.MethodHead {
		return
	}
	if err := send(r.Context(), w, query.Get("path"), info, what); err != nil {
		w.Header().Set(http.TrailerPrefix+failedTrailer, shown(err.Error()))
	}
}

// describe says in a header what is transferred.
func describe(header http.Header, info fs.FileInfo) {
	if info.IsDir() {
		header.Set(kindHeader, aFolder)
		return
	}
	header.Set(kindHeader, aFile)
	header.Set(modeHeader, strconv.FormatUint(uint64(info.Mode().Perm()), 8))
	header.Set(timeHeader, info.ModTime().UTC().Format(time.RFC3339Nano))
}

// send writes the content of a file, or the tar of a folder.
func send(ctx context.Context, w io.Writer, path string, info fs.FileInfo, what command.Selection) error {
	if info.IsDir() {
		_, err := archive.PackTar(ctx, w, path, func(path string, isFolder bool) bool { return !what.Includes(path, isFolder) })
		return err
	}
	if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "reading", Path: path, Err: errors.New("it is neither a file nor a folder")}
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}

// receive takes a file or folder, as its header describes it, and puts it to path as a
// whole, in the place of what is there, once complete says that it is. Nothing is left
// of one that cannot be received.
func receive(ctx context.Context, r io.Reader, header http.Header, path string, limits archive.Limits, complete func() error) error {
	parent := filepath.Dir(path)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	staging, err := os.MkdirTemp(parent, "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer remove.All(staging)
	received := filepath.Join(staging, "received")
	switch header.Get(kindHeader) {
	case aFolder:
		if err := os.Mkdir(received, 0o755); err != nil {
			return err
		}
		_, err = archive.UnpackTar(ctx, r, received, limits)
	case aFile:
		err = receiveFile(r, header, received, limits)
	default:
		err = errors.New("it is neither a file nor a folder")
	}
	if err == nil {
		err = complete()
	}
	if err != nil {
		return err
	}
	if err := remove.All(path); err != nil {
		return err
	}
	return os.Rename(received, path)
}

func receiveFile(r io.Reader, header http.Header, path string, budget archive.Limits) error {
	mode, err := strconv.ParseUint(header.Get(modeHeader), 8, 32)
	if err != nil {
		return err
	}
	modified, err := time.Parse(time.RFC3339Nano, header.Get(timeHeader))
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(mode).Perm()|0o600)
	if err != nil {
		return err
	}
	most := budget.Or(limits.Workspace()).Bytes
	n, err := io.Copy(file, io.LimitReader(r, most+1))
	if n > most {
		err = archive.ErrHostile
	}
	return errors.Join(err, file.Close(), os.Chtimes(path, modified, modified))
}
