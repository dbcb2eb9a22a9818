package bucket

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errAsked = errors.New("asked")

// What the SDK can do is read from its client, so that a new operation is met here.
func TestEveryCallOfAClientNamesTheOwnerOfTheBucketOrIsNotMade(t *testing.T) {
	client := NewClient(aws.Config{Region: "eu-west-1"}, OwnedBy("111111111111"))
	var sent any
	probe := func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Insert(middleware.InitializeMiddlewareFunc("probe", func(_ context.Context, in middleware.InitializeInput, _ middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				sent = in.Parameters
				return middleware.InitializeOutput{}, middleware.Metadata{}, errAsked
			}), ownerField, middleware.After)
		})
	}
	bound, refused, free := 0, 0, []string{}
	methods := reflect.ValueOf(client)
	for i := range methods.NumMethod() {
		name, method := methods.Type().Method(i).Name, methods.Method(i)
		if method.Type().NumIn() != 3 || method.Type().In(1).Kind() != reflect.Pointer {
			continue
		}
		sent = nil
		input := reflect.New(method.Type().In(1).Elem())
		_, given := method.Type().In(1).Elem().FieldByName(ownerField)
		results := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), input, reflect.ValueOf(probe)})
		err, _ := results[1].Interface().(error)
		switch {
		case given:
			bound++
			require.ErrorIs(t, err, errAsked, name)
			owner := reflect.ValueOf(sent).Elem().FieldByName(ownerField).Interface().(*string)
			assert.Equal(t, "111111111111", aws.ToString(owner), name)
		case errors.Is(err, errAsked):
			free = append(free, name)
		default:
			refused++
			require.ErrorContains(t, err, "cannot name the account", name)
		}
	}
	assert.Greater(t, bound, 80)
	assert.Positive(t, refused)
	assert.Equal(t, []string{"CreateBucket"}, free)
}

func TestABucketOfAnotherAccountIsRefused(t *testing.T) {
	c := newCloud(t)
	ours := func(account string) *S3 {
		key := c.AddAccount("111111111111")
		return OpenS3(NewClient(aws.Config{
			Region: "eu-west-1", BaseEndpoint: aws.String(c.URL()), Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
		}, OwnedBy(account), func(o *s3.Options) { o.UsePathStyle = true }), bucket)
	}
	require.NoError(t, ours("111111111111").Put(t.Context(), "key", []byte("x")))
	foreign := ours("999999999999") // as if the bucket were made again by somebody
	for name, err := range map[string]error{
		"put":  foreign.Put(t.Context(), "key", []byte("x")),
		"get":  second(foreign.Get(t.Context(), "key")),
		"list": second(foreign.List(t.Context(), "")),
		"look": second(foreign.holds(t.Context(), "key", 1)),
	} {
		require.ErrorContains(t, err, "not owned by account 999999999999", name)
	}
}

func second[T any](_ T, err error) error { return err }

func TestTheOwnerIsAskedUntilItIsKnown(t *testing.T) {
	asked := 0
	owner := OnceKnown(func(context.Context) (string, error) {
		if asked++; asked == 1 {
			return "", errAsked
		}
		return "111111111111", nil
	})
	_, err := owner(t.Context())
	require.ErrorIs(t, err, errAsked)
	for range 3 {
		account, err := owner(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "111111111111", account)
	}
	assert.Equal(t, 2, asked)
}
