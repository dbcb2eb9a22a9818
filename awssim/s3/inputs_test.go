package s3

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// filled is a value of an SDK's input with all that it can have.
func filled(of reflect.Type) reflect.Value {
	value := reflect.New(of).Elem()
	switch {
	case of == reflect.TypeFor[time.Time]():
		value.Set(reflect.ValueOf(time.Unix(0, 0)))
	case of == reflect.TypeFor[io.Reader]():
		value.Set(reflect.ValueOf(strings.NewReader("x")))
	case of.Kind() == reflect.Pointer:
		value.Set(reflect.New(of.Elem()))
		value.Elem().Set(filled(of.Elem()))
	case of.Kind() == reflect.Struct:
		for i := range of.NumField() {
			if of.Field(i).IsExported() {
				value.Field(i).Set(filled(of.Field(i).Type))
			}
		}
	case of.Kind() == reflect.Slice:
		value.Set(reflect.Append(value, filled(of.Elem())))
	case of.Kind() == reflect.Map:
		value.Set(reflect.MakeMap(of))
		value.SetMapIndex(filled(of.Key()), filled(of.Elem()))
	case of == reflect.TypeFor[types.ChecksumAlgorithm]():
		value.SetString("SHA256")
	case of.Kind() == reflect.String:
		value.SetString("x")
	case of.Kind() == reflect.Bool:
		value.SetBool(true)
	case value.CanInt():
		value.SetInt(1)
	}
	return value
}

// sender keeps the request of the SDK instead of sending it.
type sender struct{ sent *http.Request }

var errKept = errors.New("kept")

func (s *sender) Do(r *http.Request) (*http.Response, error) {
	s.sent = r
	return nil, errKept
}

// refused are the inputs of the SDK that an operation refuses.
var refused = map[string][]string{
	"AbortMultipartUpload":    {"x-amz-if-match-initiated-time", "x-amz-request-payer"},
	"CompleteMultipartUpload": slices.Concat(customerKeys, checksums, []string{"x-amz-request-payer"}),
	"CopyObject": slices.Concat(undescribed, copyKeys, []string{
		"x-amz-object-annotation-directive",
	}),
	"CreateBucket":                       {"x-amz-bucket-namespace", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write", "x-amz-grant-write-acp"},
	"CreateMultipartUpload":              undescribed,
	"DeleteObject":                       {"if-match", "x-amz-bypass-governance-retention", "x-amz-if-match-last-modified-time", "x-amz-if-match-size", "x-amz-mfa", "x-amz-request-payer"},
	"DeleteObjects":                      {"x-amz-bypass-governance-retention", "x-amz-mfa", "x-amz-request-payer"},
	"GetObject":                          slices.Concat(customerKeys, []string{"x-amz-request-payer"}),
	"GetObjectTagging":                   {"x-amz-request-payer"},
	"HeadObject":                         slices.Concat(customerKeys, []string{"x-amz-request-payer"}),
	"ListBuckets":                        {"bucket-region", "continuation-token", "max-buckets", "prefix"},
	"ListMultipartUploads":               {"delimiter", "encoding-type", "key-marker", "max-uploads", "prefix", "upload-id-marker", "x-amz-request-payer"},
	"ListObjectVersions":                 {"version-id-marker", "x-amz-optional-object-attributes", "x-amz-request-payer"},
	"ListObjects":                        {"x-amz-optional-object-attributes", "x-amz-request-payer"},
	"ListObjectsV2":                      {"fetch-owner", "x-amz-optional-object-attributes", "x-amz-request-payer"},
	"ListParts":                          slices.Concat(customerKeys, []string{"max-parts", "part-number-marker", "x-amz-request-payer"}),
	"PutBucketLifecycleConfiguration":    {"x-amz-transition-default-minimum-object-size"},
	"PutBucketNotificationConfiguration": {"x-amz-skip-destination-validation"},
	"PutBucketPolicy":                    {"x-amz-confirm-remove-self-bucket-access"},
	"PutBucketVersioning":                {"x-amz-mfa"},
	"PutObject":                          slices.Concat(undescribed, checksums, []string{"x-amz-write-offset-bytes"}),
	"PutObjectTagging":                   {"x-amz-request-payer"},
	"UploadPart":                         slices.Concat(customerKeys, checksums, []string{"x-amz-request-payer"}),
	"UploadPartCopy":                     slices.Concat(customerKeys, copyKeys, []string{"x-amz-request-payer"}),
}

var (
	checksums = []string{
		"x-amz-checksum-md5", "x-amz-checksum-sha512", "x-amz-checksum-xxhash128", "x-amz-checksum-xxhash3", "x-amz-checksum-xxhash64",
	}
	customerKeys = []string{
		"x-amz-server-side-encryption-customer-algorithm", "x-amz-server-side-encryption-customer-key", "x-amz-server-side-encryption-customer-key-md5",
	}
	copyKeys = []string{
		"x-amz-copy-source-server-side-encryption-customer-algorithm", "x-amz-copy-source-server-side-encryption-customer-key",
		"x-amz-copy-source-server-side-encryption-customer-key-md5",
	}
	undescribed = slices.Concat(customerKeys, []string{
		"x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write-acp", "x-amz-object-lock-event-hold",
		"x-amz-object-lock-event-hold-duration-days", "x-amz-object-lock-event-hold-duration-years", "x-amz-object-lock-legal-hold", "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date", "x-amz-request-payer", "x-amz-server-side-encryption-bucket-key-enabled",
		"x-amz-server-side-encryption-context",
	})
)

func TestEveryInputIsHonouredOrRefusedByName(t *testing.T) {
	for name := range operations {
		t.Run(name, func(t *testing.T) {
			var kept sender
			client := sdk.New(sdk.Options{
				Region: "eu-west-1", HTTPClient: &kept, UsePathStyle: true, BaseEndpoint: aws.String("https://s3.test"),
				Credentials: credentials.NewStaticCredentialsProvider("a", "b", "c"), Retryer: aws.NopRetryer{},
			})
			method := reflect.ValueOf(client).MethodByName(strings.Replace(name, "DeleteBucketLifecycleConfiguration", "DeleteBucketLifecycle", 1))
			require.True(t, method.IsValid(), "the SDK has no such operation")
			out := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), filled(method.Type().In(1).Elem()).Addr()})
			require.ErrorIs(t, out[1].Interface().(error), errKept)

			rq := &request{Call: &wire.Call{Operation: operationOf(kept.sent), HTTP: kept.sent}, header: kept.sent.Header, query: kept.sent.URL.Query()}
			rq.bucket, rq.key = splitPath(kept.sent.URL.Path)
			require.Equal(t, name, rq.Operation)
			var not []string
			for sent := range rq.query {
				if !rq.supports(sent) && !rq.namedBy(sent) {
					not = append(not, sent)
				}
			}
			for sent := range rq.header {
				if (strings.HasPrefix(sent, "X-Amz-") || strings.HasPrefix(sent, "If-")) && !rq.supports(sent) {
					not = append(not, strings.ToLower(sent))
				}
			}
			assert.ElementsMatch(t, refused[name], not)
		})
	}
}

func TestAnInputThatIsNotSupportedIsRefusedByName(t *testing.T) {
	store := open(t, t.TempDir())
	require.NoError(t, store.Create(Bucket{Name: "shelf", Account: "1", Region: "eu-west-1"}))
	store.put(t, "shelf", "book", "text")
	for says, change := range map[string]func(*http.Request){
		"the parameter torrent2 of s3:GetObject":                     func(r *http.Request) { r.URL.RawQuery = "torrent2" },
		"the parameter uploads of s3:GetObject":                      func(r *http.Request) { r.URL.RawQuery = "uploads" },
		"the header x-amz-request-payer of s3:GetObject":             func(r *http.Request) { r.Header.Set("X-Amz-Request-Payer", "requester") },
		"the header x-amz-meta-a of s3:GetObject":                    func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "b") },
		"the header if-range of s3:GetObject":                        func(r *http.Request) { r.Header.Set("If-Range", "b") },
		"the header x-amz-checksum-xxhash64 of s3:PutObject":         func(r *http.Request) { r.Method = "PUT"; r.Header.Set("X-Amz-Checksum-Xxhash64", "b") },
		"the value GLACIER of the header x-amz-storage-class of s3:": func(r *http.Request) { r.Method = "PUT"; r.Header.Set("X-Amz-Storage-Class", "GLACIER") },
		"the value public-read of the header x-amz-acl of s3:":       func(r *http.Request) { r.Method = "PUT"; r.Header.Set("X-Amz-Acl", "public-read") },
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://s3.test/shelf/book", http.NoBody)
		require.NoError(t, err)
		change(r)
		call := &wire.Call{Service: "s3", Operation: operationOf(r), HTTP: r}
		_, err = store.Service().Run(t.Context(), call)
		assert.ErrorContains(t, err, "NotImplemented: the simulator does not support "+says)
	}
}
