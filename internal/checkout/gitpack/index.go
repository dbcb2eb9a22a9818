package gitpack

import (
	"hash/crc32"
	"io"

	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
)

// WriteIndex writes the index of the pack (git's version 2).
func (p *Pack) WriteIndex(w io.Writer) error {
	writer := &idxfile.Writer{}
	if err := writer.OnHeader(uint32(len(p.entries))); err != nil {
		return err
	}
	crc := crc32.NewIEEE()
	for i, e := range p.entries {
		end := p.size
		if i+1 < len(p.entries) {
			end = p.entries[i+1].offset
		}
		crc.Reset()
		if _, err := io.Copy(crc, io.NewSectionReader(p.file, e.offset, end-e.offset)); err != nil {
			return err
		}
		writer.Add(e.hash, uint64(e.offset), crc.Sum32())
	}
	if err := writer.OnFooter(p.checksum); err != nil {
		return err
	}
	index, err := writer.Index()
	if err != nil {
		return err
	}
	_, err = idxfile.NewEncoder(w).Encode(index)
	return err
}
