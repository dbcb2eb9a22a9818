package s3

import (
	"encoding/xml"
	"maps"
	"slices"
)

type versionView struct {
	XMLName      xml.Name
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         *int64 `xml:",omitempty"`
	StorageClass string `xml:",omitempty"`
	Owner        ownerView
}

// listObjectVersions lists all versions of a page of keys; a page does not end
// between the versions of one key.
func listObjectVersions(rq *request) error {
	l, err := rq.listing()
	if err != nil {
		return err
	}
	l.after = rq.query.Get("key-marker")
	versions, account, err := rq.store.versions(rq.bucket)
	if err != nil {
		return err
	}
	p := l.cut(slices.Sorted(maps.Keys(versions)))
	var views []versionView
	for _, key := range p.keys {
		views = append(views, viewVersions(l.encode(key), versions[key], account)...)
	}
	next := ""
	if p.more {
		next = l.encode(p.last)
	}
	return rq.reply(struct {
		XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
		Name           string
		Prefix         string
		KeyMarker      string
		NextKeyMarker  string `xml:",omitempty"`
		Delimiter      string `xml:",omitempty"`
		MaxKeys        int
		EncodingType   string `xml:",omitempty"`
		IsTruncated    bool
		Versions       []versionView
		CommonPrefixes []prefixView
	}{
		Name: rq.bucket, Prefix: l.encode(l.prefix), KeyMarker: l.encode(l.after), NextKeyMarker: next, Delimiter: l.encode(l.delimiter),
		MaxKeys: l.size, EncodingType: rq.query.Get("encoding-type"), IsTruncated: p.more, Versions: views, CommonPrefixes: l.prefixes(p),
	})
}

func (s *Store) versions(name string) (versions map[string][]Version, account string, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	bucket, err := s.find(name)
	if err != nil {
		return nil, "", err
	}
	versions = map[string][]Version{}
	for key, list := range bucket.Objects {
		versions[key] = slices.Clone(list)
	}
	return versions, bucket.Account, nil
}

// viewVersions shows the versions of a key, newest first.
func viewVersions(key string, versions []Version, account string) []versionView {
	var views []versionView
	for i, v := range slices.Backward(versions) {
		view := versionView{
			XMLName: xml.Name{Local: "Version"}, Key: key, VersionID: v.ID, IsLatest: i == len(versions)-1, LastModified: iso(v.Modified),
			Owner: owner(account),
		}
		if v.Deleted {
			view.XMLName.Local = "DeleteMarker"
		} else {
			view.ETag, view.Size, view.StorageClass = quote(v.ETag), &v.Size, "STANDARD"
		}
		views = append(views, view)
	}
	return views
}
