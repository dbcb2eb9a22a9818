package bucket

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"syscall"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Packed is a folder as an archive in a temporary file.
type Packed struct {
	File     string // temporary; see Remove
	Digest   string // sha256:<hex>
	Size     int64  // bytes of the archive
	Contents archive.Contents
}

// Pack packs the folder dir, without excluded paths, into a temporary file. Equal
// folders have equal digests.
func Pack(ctx context.Context, dir string, excluded func(path string) bool) (Packed, error) {
	return packInto("artifact-*"+suffix, func(p *Packed, file *os.File) error { return p.write(ctx, file, dir, excluded) })
}

// packInto packs into a temporary file, whose name is made of a pattern.
func packInto(pattern string, write func(*Packed, *os.File) error) (Packed, error) {
	file, err := os.CreateTemp("", pattern)
	if err != nil {
		return Packed{}, errs.Writing(os.TempDir(), err)
	}
	p := Packed{File: file.Name()}
	err = write(&p, file)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		p.Remove()
		return Packed{}, packing(err)
	}
	return p, nil
}

// packing distinguishes a full disk from an unreadable workspace.
func packing(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errs.Writing(os.TempDir(), err)
	}
	return err
}

func (p *Packed) write(ctx context.Context, file *os.File, dir string, excluded func(path string) bool) (err error) {
	sum := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<20)
	if p.Contents, err = archive.Pack(ctx, buffered, dir, excluded); err != nil {
		return err
	}
	return p.complete(file, buffered, sum)
}

// complete notes the size and the digest of what was written.
func (p *Packed) complete(file *os.File, buffered *bufio.Writer, sum hash.Hash) error {
	if err := buffered.Flush(); err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	p.Size, p.Digest = info.Size(), digestOf(sum.Sum(nil))
	return nil
}

// Remove deletes the temporary file.
func (p Packed) Remove() { _ = os.Remove(p.File) }
