package assets_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
)

// stub is an S3 and an ECR that keep what they receive.
type stub struct {
	mu         sync.Mutex
	encryption string                 // body of GetBucketEncryption; "" is none
	objects    map[string]http.Header // by "/bucket/key", as they were put
	bodies     map[string][]byte
	sizes      map[string]int  // sizes that listings tell of objects that were there before
	images     map[string]bool // by "repository:tag"
	calls      map[string]int  // by kind
	entered    []string        // roles
	most, now  int             // uploads at once
	url        string
	absent     string // path of a bucket that is not there
}

func newStub(t *testing.T) *stub {
	s := &stub{objects: map[string]http.Header{}, bodies: map[string][]byte{}, sizes: map[string]int{}, images: map[string]bool{}, calls: map[string]int{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// place is account 111111111111 in eu-west-1.
func (s *stub) place() assets.Target {
	return assets.Target{
		Placeholders: assembly.Placeholders{Account: "111111111111", Region: "eu-west-1", Partition: "aws"},
		Require:      func(context.Context, assembly.Bootstrap) error { return nil },
		Assume: func(_ context.Context, role assembly.Role, region string) (aws.Config, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.entered = append(s.entered, role.ARN)
			return aws.Config{
				Region: region, BaseEndpoint: &s.url, RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
			}, nil
		},
	}
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		s.ecr(w, r, target[strings.LastIndex(target, ".")+1:])
		return
	}
	query := r.URL.Query()
	switch {
	case s.absent != "" && strings.HasPrefix(r.URL.Path, s.absent), strings.HasPrefix(r.URL.Path, "/gone"), strings.HasPrefix(r.URL.Path, "/cdk-gone"):
		s.count("gone")
		w.Header().Set("X-Amz-Request-Id", rand.Text())
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `<Error><Code>NoSuchBucket</Code></Error>`)
	case query.Has("location"):
		s.count("location")
		fmt.Fprint(w, `<LocationConstraint>eu-west-1</LocationConstraint>`)
	case query.Has("encryption"):
		s.count("encryption")
		if s.encryption == "" {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `<Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code></Error>`)
			return
		}
		fmt.Fprint(w, s.encryption)
	case r.Method == http.MethodPut:
		s.put(r)
	case !query.Has("list-type"):
		s.get(w, r)
	default:
		s.list(w, r.URL.Path+"/"+query.Get("prefix"))
	}
}

func (s *stub) put(r *http.Request) {
	s.count("put")
	s.mu.Lock()
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	s.objects[r.URL.Path], s.bodies[r.URL.Path] = r.Header, body
}

// get answers HEAD and GET of an object.
func (s *stub) get(w http.ResponseWriter, r *http.Request) {
	s.count(strings.ToLower(r.Method))
	s.mu.Lock()
	defer s.mu.Unlock()
	put, found := s.objects[r.URL.Path]
	if !found {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	for name, values := range put {
		isChecksum := strings.HasPrefix(name, "X-Amz-Checksum-") && r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED"
		if isChecksum || strings.HasPrefix(name, "X-Amz-Meta-") {
			w.Header()[name] = values
		}
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(s.bodies[r.URL.Path])))
	if r.Method == http.MethodGet {
		_, _ = w.Write(s.bodies[r.URL.Path])
	}
}

func (s *stub) list(w http.ResponseWriter, path string) {
	s.count("list")
	s.mu.Lock()
	defer s.mu.Unlock()
	_, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	size, found := s.sizes[path]
	if body, isPut := s.bodies[path]; isPut {
		size, found = max(len(body), 23), true
	}
	fmt.Fprint(w, `<ListBucketResult>`)
	if found {
		fmt.Fprintf(w, `<Contents><Key>%s</Key><Size>%d</Size></Contents>`, strings.TrimPrefix(key, "/"), size)
	}
	fmt.Fprint(w, `</ListBucketResult>`)
}

func (s *stub) ecr(w http.ResponseWriter, r *http.Request, operation string) {
	s.count(operation)
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case operation == "DescribeRepositories" && strings.Contains(string(body), "missing"):
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"RepositoryNotFoundException"}`)
	case operation == "DescribeRepositories":
		fmt.Fprint(w, `{"repositories":[{"repositoryUri":"111111111111.dkr.ecr.eu-west-1.amazonaws.com/repo"}]}`)
	case operation == "DescribeImages" && !s.images["repo:tag"]:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"ImageNotFoundException"}`)
	case operation == "DescribeImages":
		fmt.Fprint(w, `{"imageDetails":[{}]}`)
	case operation == "GetAuthorizationToken":
		fmt.Fprint(w, `{"authorizationData":[{"authorizationToken":"QVdTOnBhc3N3b3Jk"}]}`)
	}
}

func (s *stub) count(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[kind]++
}
