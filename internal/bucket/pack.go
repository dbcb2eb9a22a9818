package bucket

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"syscall"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
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

// PackBuilt packs the folder dir as the commands have it, like Pack, and makes dir what they
// have; where they have files of their own, without what left leaves out.
func PackBuilt(
	ctx context.Context, from command.Runner, dir string, excluded func(path string) bool, left func(path string, isFolder bool) bool,
) (Packed, error) {
	theirs, apart := from.(command.Apart)
	if !apart {
		return Pack(ctx, dir, excluded)
	}
	removeContent(dir)
	return packInto("artifact-*"+suffix, func(p *Packed, file *os.File) error {
		return p.writeWith(file, func(to io.Writer) error {
			err := theirs.ReadFolder(ctx, from.Place(dir), func(tar io.Reader) (err error) {
				p.Contents, err = archive.Repack(ctx, to, tar, dir, limits.Budget{}, excluded, left)
				return err
			})
			if err != nil {
				return fmt.Errorf("taking the workspace from the commands: %w", err)
			}
			return nil
		})
	})
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

func (p *Packed) write(ctx context.Context, file *os.File, dir string, excluded func(path string) bool) error {
	return p.writeWith(file, func(to io.Writer) (err error) {
		p.Contents, err = archive.Pack(ctx, to, dir, excluded)
		return err
	})
}

// writeWith completes what pack writes.
func (p *Packed) writeWith(file *os.File, pack func(to io.Writer) error) error {
	sum := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<20)
	if err := pack(buffered); err != nil {
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
