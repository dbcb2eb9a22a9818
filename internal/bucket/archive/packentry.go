package archive

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
)

func (p *packer) writeAll(ctx context.Context) error {
	for next := range p.items {
		if err := p.write(ctx, next); err != nil {
			return fmt.Errorf("%q: %w", next.path, err)
		}
	}
	return ctx.Err()
}

func (p *packer) write(ctx context.Context, next item) error {
	switch kind := next.info.Mode().Type(); {
	case kind == fs.ModeDir:
		return p.tar.WriteHeader(p.header(next, tar.TypeDir, 0))
	case kind == fs.ModeSymlink:
		target, err := p.root.Readlink(next.path)
		if err != nil {
			return err
		}
		p.done.Files++
		link := p.header(next, tar.TypeSymlink, 0)
		link.Linkname = target
		return p.tar.WriteHeader(link)
	case next.data != nil:
		return p.writeSmall(ctx, next)
	}
	return p.writeLarge(next)
}

// header has the name and mode of an entry, without properties that depend on the
// machine: owner, setuid and similar bits.
func (p *packer) header(of item, kind byte, size int64) *tar.Header {
	name := of.path
	if kind == tar.TypeDir {
		name += "/"
	}
	h := &tar.Header{Typeflag: kind, Name: name, Size: size, Mode: int64(of.info.Mode().Perm()), ModTime: p.time(of.info)}
	if h.ModTime.Nanosecond() != 0 {
		h.Format = tar.FormatPAX // others have whole seconds only
	}
	return h
}

func (p *packer) writeSmall(ctx context.Context, next item) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case data := <-next.data:
		if err := p.tar.WriteHeader(p.header(next, tar.TypeReg, int64(len(data)))); err != nil {
			return err
		}
		p.done.Files++
		p.done.Bytes += int64(len(data))
		_, err := p.tar.Write(data)
		return err
	}
}

func (p *packer) writeLarge(next item) error {
	file, err := p.root.Open(next.path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := p.tar.WriteHeader(p.header(next, tar.TypeReg, next.info.Size())); err != nil {
		return err
	}
	n, err := io.Copy(p.tar, io.LimitReader(file, next.info.Size()))
	if err == nil && n < next.info.Size() {
		err = fmt.Errorf("it was truncated while it was packed: %w", io.ErrUnexpectedEOF)
	}
	p.done.Files++
	p.done.Bytes += n
	return err
}
