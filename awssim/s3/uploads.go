package s3

import (
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

const (
	minPart  = 5 << 20 // bytes of every part but the last
	maxParts = 10_000
)

// Upload is a multipart upload that is under way.
type Upload struct {
	ID           string
	Key          string
	Started      time.Time
	Algorithm    string // of the checksums; empty for S3's own
	ChecksumType string
	Object       Version // what the object will be described by
	Parts        map[int]Part
}

// Part is one part of an upload.
type Part struct {
	File      string
	Size      int64
	ETag      string
	Modified  time.Time
	Checksums map[string]string
}

// begin starts an upload.
func (s *Store) begin(name string, upload Upload) (Upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, err := s.find(name)
	if err != nil {
		return Upload{}, err
	}
	upload.ID, upload.Started, upload.Parts = randomHex(24), s.now().UTC(), map[int]Part{}
	bucket.Uploads[upload.ID] = &upload
	return upload, nil
}

// upload finds an upload of a key. The caller holds the lock.
func (s *Store) upload(name, key, id string) (*Upload, error) {
	bucket, err := s.find(name)
	if err != nil {
		return nil, err
	}
	if upload := bucket.Uploads[id]; upload != nil && upload.Key == key {
		return upload, nil
	}
	return nil, noSuchUpload(id)
}

// uploadOf returns a copy of what describes an upload.
func (s *Store) uploadOf(name, key, id string) (Upload, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	upload, err := s.upload(name, key, id)
	if err != nil {
		return Upload{}, err
	}
	described := *upload
	described.Parts = map[int]Part{}
	for number, part := range upload.Parts {
		described.Parts[number] = part
	}
	return described, nil
}

// addPart files received bytes as a part; an earlier part of that number is replaced.
func (s *Store) addPart(name, key, id string, number int, got received) (Part, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	upload, err := s.upload(name, key, id)
	if err != nil {
		_ = s.files.remove(got.file) // the upload that is gone says more
		return Part{}, err
	}
	part := Part{
		File: path.Join(partsDir, name, id, strconv.Itoa(number)), Size: got.size, ETag: got.sums.etag(),
		Modified: s.now().UTC(), Checksums: got.sums.values(),
	}
	if err := s.files.move(got.file, part.File); err != nil {
		return Part{}, err
	}
	upload.Parts[number] = part
	return part, nil
}

// abort drops an upload and its parts.
func (s *Store) abort(name, key, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.upload(name, key, id); err != nil {
		return err
	}
	delete(s.buckets[name].Uploads, id)
	return s.files.root.RemoveAll(path.Join(partsDir, name, id))
}

// chosenPart is a part as CompleteMultipartUpload names it.
type chosenPart struct {
	PartNumber int
	ETag       string
}

// choose checks the list of parts against what was uploaded.
func (u Upload) choose(wanted []chosenPart) ([]Part, error) {
	if len(wanted) == 0 {
		return nil, malformedXML()
	}
	if !ascending(wanted) {
		return nil, wire.Errorf("InvalidPartOrder", "The list of parts was not in ascending order. The parts list must be specified in order by part number.")
	}
	var chosen []Part
	for i, want := range wanted {
		part, ok := u.Parts[want.PartNumber]
		switch {
		case !ok || strings.Trim(want.ETag, `"`) != part.ETag:
			return nil, wire.Errorf("InvalidPart", "One or more of the specified parts could not be found. The part might not have been uploaded, or the specified entity tag might not have matched the part's entity tag.")
		case i < len(wanted)-1 && part.Size < minPart:
			return nil, wire.Errorf("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		chosen = append(chosen, part)
	}
	return chosen, nil
}

func ascending(parts []chosenPart) bool {
	for i := range parts[1:] {
		if parts[i].PartNumber >= parts[i+1].PartNumber {
			return false
		}
	}
	return true
}

// join writes the parts one after another to a new file.
func (s *Store) join(upload Upload, parts []Part) (received, error) {
	var readers []io.Reader
	for _, part := range parts {
		file, err := s.files.root.Open(part.File)
		if err != nil {
			return received{}, err
		}
		defer closeFile(file)
		readers = append(readers, file)
	}
	return s.files.receive(io.MultiReader(readers...), upload.algorithm())
}

func closeFile(file *os.File) { _ = file.Close() } // it was only read

func (u Upload) algorithm() string {
	if u.Algorithm == "" {
		return crc64nvmeName
	}
	return u.Algorithm
}

// assemble makes the object's version of the joined parts.
func (u Upload) assemble(parts []Part, got received) (Version, error) {
	version := u.Object
	version.File, version.Size, version.ChecksumType = got.file, got.size, u.ChecksumType
	version.Checksums = got.sums.values()
	var etags, checksums []string
	for _, part := range parts {
		etags = append(etags, part.ETag)
		checksums = append(checksums, part.Checksums[u.algorithm()])
		version.Parts = append(version.Parts, part.Size)
	}
	etag, err := combinedETag(etags)
	if err != nil {
		return Version{}, err
	}
	suffix := "-" + strconv.Itoa(len(parts))
	version.ETag = etag + suffix
	if u.ChecksumType == composite {
		sum, err := combined(u.algorithm(), checksums)
		if err != nil {
			return Version{}, err
		}
		version.Checksums = map[string]string{u.algorithm(): sum + suffix}
	}
	return version, nil
}
