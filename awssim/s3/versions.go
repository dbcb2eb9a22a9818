package s3

import (
	"os"
	"slices"
)

const nullVersion = "null"

// add makes a version the newest of its key. Where the bucket is not
// versioned, it takes the place of what was there.
func (s *Store) add(bucket *Bucket, key string, version Version) (Version, error) {
	version.ID = nullVersion
	if bucket.Versioning == Enabled {
		version.ID = randomHex(16)
	}
	old := bucket.Objects[key]
	if version.ID == nullVersion {
		kept, err := s.dropVersion(old, nullVersion)
		if err != nil {
			return Version{}, err
		}
		old = kept
	}
	if err := s.archiveNewest(bucket.Name, key, old); err != nil {
		return Version{}, err
	}
	if !version.Deleted {
		file, err := s.files.place(version.File, bucket.Name, key)
		if err != nil {
			return Version{}, err
		}
		version.File = file
	}
	bucket.Objects[key] = append(old, version)
	return version, nil
}

// archiveNewest moves the newest file out of the place that its successor takes.
func (s *Store) archiveNewest(bucket, key string, versions []Version) error {
	if len(versions) == 0 || versions[len(versions)-1].Deleted {
		return nil
	}
	newest := &versions[len(versions)-1]
	file, err := s.files.archive(newest.File, bucket, key, newest.ID)
	if err != nil {
		return err
	}
	newest.File = file
	return nil
}

func (s *Store) dropVersion(versions []Version, id string) ([]Version, error) {
	at := slices.IndexFunc(versions, func(v Version) bool { return v.ID == id })
	if at < 0 {
		return versions, nil
	}
	if !versions[at].Deleted {
		if err := s.files.remove(versions[at].File); err != nil {
			return nil, err
		}
	}
	return slices.Delete(slices.Clone(versions), at, at+1), nil
}

// remove deletes one version of a key for good; the one before it becomes the
// newest and its file is moved back to the path of the key.
func (s *Store) remove(bucket *Bucket, key, id string) error {
	left, err := s.dropVersion(bucket.Objects[key], id)
	if err != nil {
		return err
	}
	if len(left) == 0 {
		delete(bucket.Objects, key)
		return nil
	}
	if newest := &left[len(left)-1]; !newest.Deleted {
		file, err := s.files.place(newest.File, bucket.Name, key)
		if err != nil {
			return err
		}
		newest.File = file
	}
	bucket.Objects[key] = left
	return nil
}

// erased says what a deletion did.
type erased struct {
	version string // that was removed, or of the marker that was made; empty in an unversioned bucket
	marker  bool
}

// erase is DeleteObject: with a version id it removes that version, without it
// makes a delete marker in a versioned bucket and removes the object elsewhere.
func (s *Store) erase(name, key, id string) (erased, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, err := s.find(name)
	if err != nil {
		return erased{}, err
	}
	switch {
	case id != "":
		at := slices.IndexFunc(bucket.Objects[key], func(v Version) bool { return v.ID == id })
		marker := at >= 0 && bucket.Objects[key][at].Deleted
		return erased{version: id, marker: marker}, s.remove(bucket, key, id)
	case bucket.Versioning == "":
		return erased{}, s.remove(bucket, key, nullVersion)
	}
	marker, err := s.add(bucket, key, Version{Deleted: true, Modified: s.now().UTC()})
	return erased{version: marker.ID, marker: true}, err
}

// look finds a version: the newest without an id. The caller holds the lock.
func (b *Bucket) look(key, id string) (Version, error) {
	versions := b.Objects[key]
	if id == "" {
		if len(versions) == 0 {
			return Version{}, noSuchKey(key)
		}
		newest := versions[len(versions)-1]
		if newest.Deleted {
			return newest, noSuchKey(key).WithHeader("x-amz-delete-marker", "true").WithHeader("x-amz-version-id", newest.ID)
		}
		return newest, nil
	}
	for _, version := range versions {
		if version.ID == id {
			return version, nil
		}
	}
	return Version{}, noSuchVersion(key, id)
}

// open finds a version and opens its file.
func (s *Store) open(name, key, id string) (Version, *os.File, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	bucket, err := s.find(name)
	if err != nil {
		return Version{}, nil, err
	}
	version, err := bucket.look(key, id)
	if err != nil || version.Deleted {
		return version, nil, err
	}
	file, err := s.files.root.Open(version.File)
	return version, file, err
}

// openLive is open for those who have no use for a delete marker.
func (s *Store) openLive(name, key, id string) (Version, *os.File, error) {
	version, file, err := s.open(name, key, id)
	if err == nil && version.Deleted {
		err = noSuchKey(key)
	}
	return version, file, err
}
