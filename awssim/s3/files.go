package s3

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode/utf8"
)

// Directories beside the buckets; no bucket's name starts with a dot.
const (
	incomingDir = ".incoming"
	oddDir      = ".odd"
	versionsDir = ".versions"
	partsDir    = ".parts"
)

const (
	maxSegment = 255 // bytes of a file name
	dirMode    = 0o700
	fileMode   = 0o600
)

// files is the directory of the store.
type files struct {
	root *os.Root
}

// prepare makes the directories and drops what an interrupted run was receiving.
func (f *files) prepare() error {
	if err := f.root.RemoveAll(incomingDir); err != nil {
		return fmt.Errorf("clearing %s: %w", incomingDir, err)
	}
	for _, dir := range []string{incomingDir, oddDir, versionsDir, partsDir} {
		if err := f.root.MkdirAll(dir, dirMode); err != nil {
			return fmt.Errorf("making %s: %w", dir, err)
		}
	}
	return nil
}

// incoming opens a new file for bytes that are being received.
func (f *files) incoming() (*os.File, string, error) {
	name := path.Join(incomingDir, randomHex(16))
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
	return file, name, err
}

// place moves a file to the path of its key; if the key cannot be
// a path, to one of its hash.
func (f *files) place(from, bucket, key string) (string, error) {
	if plain(key) {
		to := path.Join(bucket, key)
		if err := f.move(from, to); err == nil {
			return to, nil
		}
	}
	to := path.Join(oddDir, bucket, digest(key))
	return to, f.move(from, to)
}

// archive moves the file of a version that is no longer the newest.
func (f *files) archive(from, bucket, key, version string) (string, error) {
	to := path.Join(versionsDir, bucket, digest(key)+"-"+version)
	return to, f.move(from, to)
}

func (f *files) move(from, to string) error {
	if err := f.root.MkdirAll(path.Dir(to), dirMode); err != nil {
		return err
	}
	if err := f.root.Rename(from, to); err != nil {
		return err
	}
	f.prune(path.Dir(from))
	return nil
}

// remove deletes a file; a missing one is no error.
func (f *files) remove(name string) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.prune(path.Dir(name))
	return nil
}

// forget removes all files of a bucket.
func (f *files) forget(bucket string) error {
	for _, dir := range []string{"", oddDir, versionsDir, partsDir} {
		if err := f.root.RemoveAll(path.Join(dir, bucket)); err != nil {
			return err
		}
	}
	return nil
}

// prune removes empty directories upwards, down to the bucket's own.
func (f *files) prune(dir string) {
	for strings.Contains(dir, "/") && f.root.Remove(dir) == nil {
		dir = path.Dir(dir)
	}
}

// plain reports whether a key can be a path below its bucket.
func plain(key string) bool {
	if !utf8.ValidString(key) || strings.ContainsAny(key, "\x00\\") {
		return false
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." || len(segment) > maxSegment {
			return false
		}
	}
	return true
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func randomHex(n int) string {
	bytes := make([]byte, n)
	_, _ = rand.Read(bytes) // never fails
	return hex.EncodeToString(bytes)
}
