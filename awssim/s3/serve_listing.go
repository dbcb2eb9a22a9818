package s3

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const pageSize = 1000

type objectView struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm []string `xml:",omitempty"`
	ChecksumType      string   `xml:",omitempty"`
	Size              int64
	StorageClass      string
	Owner             *ownerView `xml:",omitempty"`
}

type prefixView struct{ Prefix string }

// listing is what a listing call asks for.
type listing struct {
	prefix    string
	delimiter string
	after     string // the last key or prefix that was given already
	size      int
	encode    func(string) string
}

func (rq *request) listing() (listing, error) {
	l := listing{prefix: rq.query.Get("prefix"), delimiter: rq.query.Get("delimiter"), size: pageSize, encode: func(s string) string { return s }}
	if text := rq.query.Get("max-keys"); text != "" {
		size, err := strconv.Atoi(text)
		if err != nil || size < 0 {
			return l, invalidArgument("Provided max-keys not an integer or within integer range")
		}
		l.size = min(size, pageSize)
	}
	switch rq.query.Get("encoding-type") {
	case "":
	case "url":
		l.encode = encodeKey
	default:
		return l, invalidArgument("Invalid Encoding Method specified in Request")
	}
	return l, nil
}

// encodeKey is the URL encoding of listings: slashes stay.
func encodeKey(key string) string {
	escaped := strings.ReplaceAll(url.QueryEscape(key), "+", "%20")
	return strings.ReplaceAll(escaped, "%2F", "/")
}

// group returns the common prefix a key is listed under; empty for none.
func (l listing) group(key string) string {
	if l.delimiter == "" {
		return ""
	}
	head, _, found := strings.Cut(key[len(l.prefix):], l.delimiter)
	if !found {
		return ""
	}
	return l.prefix + head + l.delimiter
}

// page is one page of a listing.
type page struct {
	keys     []string
	prefixes []string
	last     string // key or prefix that ends the page
	more     bool
}

// cut makes a page of sorted keys.
func (l listing) cut(keys []string) page {
	var p page
	for _, key := range keys {
		if !strings.HasPrefix(key, l.prefix) || key <= l.after {
			continue
		}
		group := l.group(key)
		if group != "" && (group == p.last || l.after != "" && group <= l.after) {
			continue // the group was listed
		}
		if len(p.keys)+len(p.prefixes) == l.size {
			p.more = l.size > 0
			break
		}
		if group == "" {
			p.keys, p.last = append(p.keys, key), key
			continue
		}
		p.prefixes, p.last = append(p.prefixes, group), group
	}
	return p
}

// current is the newest version of every key that is not deleted.
func (s *Store) current(name string) (map[string]Version, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	bucket, err := s.find(name)
	if err != nil {
		return nil, err
	}
	newest := map[string]Version{}
	for key, versions := range bucket.Objects {
		if v := versions[len(versions)-1]; !v.Deleted {
			newest[key] = v
		}
	}
	return newest, nil
}

// list makes the page of a call over the bucket's objects.
func (rq *request) list(l listing) (page, []objectView, []prefixView, error) {
	objects, err := rq.store.current(rq.bucket)
	if err != nil {
		return page{}, nil, nil, err
	}
	p := l.cut(slices.Sorted(maps.Keys(objects)))
	var views []objectView
	for _, key := range p.keys {
		views = append(views, viewObject(l.encode(key), objects[key]))
	}
	return p, views, l.prefixes(p), nil
}

func (l listing) prefixes(p page) []prefixView {
	var views []prefixView
	for _, prefix := range p.prefixes {
		views = append(views, prefixView{l.encode(prefix)})
	}
	return views
}

func viewObject(key string, v Version) objectView {
	return objectView{
		Key: key, LastModified: iso(v.Modified), ETag: quote(v.ETag), Size: v.Size, StorageClass: "STANDARD",
		ChecksumAlgorithm: slices.Sorted(maps.Keys(v.Checksums)), ChecksumType: v.ChecksumType,
	}
}

func quote(etag string) string { return `"` + etag + `"` }

func listObjectsV2(rq *request) error {
	l, err := rq.listing()
	if err != nil {
		return err
	}
	token := rq.query.Get("continuation-token")
	l.after = rq.query.Get("start-after")
	if token != "" {
		after, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return invalidArgument("The continuation token provided is incorrect")
		}
		l.after = string(after)
	}
	p, views, prefixes, err := rq.list(l)
	if err != nil {
		return err
	}
	next := ""
	if p.more {
		next = base64.URLEncoding.EncodeToString([]byte(p.last))
	}
	return rq.reply(struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name                  string
		Prefix                string
		Delimiter             string `xml:",omitempty"`
		MaxKeys               int
		EncodingType          string `xml:",omitempty"`
		KeyCount              int
		IsTruncated           bool
		ContinuationToken     string `xml:",omitempty"`
		NextContinuationToken string `xml:",omitempty"`
		StartAfter            string `xml:",omitempty"`
		Contents              []objectView
		CommonPrefixes        []prefixView
	}{
		Name: rq.bucket, Prefix: l.encode(l.prefix), Delimiter: l.encode(l.delimiter), MaxKeys: l.size,
		EncodingType: rq.query.Get("encoding-type"), KeyCount: len(views) + len(prefixes), IsTruncated: p.more,
		ContinuationToken: token, NextContinuationToken: next, StartAfter: l.encode(rq.query.Get("start-after")),
		Contents: views, CommonPrefixes: prefixes,
	})
}

// listObjects is the older listing, which goes on from a key.
func listObjects(rq *request) error {
	l, err := rq.listing()
	if err != nil {
		return err
	}
	l.after = rq.query.Get("marker")
	p, views, prefixes, err := rq.list(l)
	if err != nil {
		return err
	}
	next := ""
	if p.more {
		next = l.encode(p.last)
	}
	return rq.reply(struct {
		XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name           string
		Prefix         string
		Marker         string
		NextMarker     string `xml:",omitempty"`
		Delimiter      string `xml:",omitempty"`
		MaxKeys        int
		EncodingType   string `xml:",omitempty"`
		IsTruncated    bool
		Contents       []objectView
		CommonPrefixes []prefixView
	}{
		Name: rq.bucket, Prefix: l.encode(l.prefix), Marker: l.encode(l.after), NextMarker: next, Delimiter: l.encode(l.delimiter),
		MaxKeys: l.size, EncodingType: rq.query.Get("encoding-type"), IsTruncated: p.more, Contents: views, CommonPrefixes: prefixes,
	})
}
