package bucket

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
)

// Owner returns the account that a bucket must belong to, 12 digits.
type Owner func(ctx context.Context) (string, error)

// OwnedBy returns the owner that is known already.
func OwnedBy(account string) Owner {
	return func(context.Context) (string, error) { return account, nil }
}

// OnceKnown returns an owner that is asked for until there is an answer, which is kept.
func OnceKnown(ask Owner) Owner {
	var mu sync.Mutex
	var known string
	return func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if known != "" {
			return known, nil
		}
		account, err := ask(ctx)
		if err == nil {
			known = account
		}
		return account, err
	}
}

// NewClient makes a client of S3. Names of buckets are unique in all of AWS, and a
// bucket that was deleted can be created again by anybody who knows its name: each
// call of the client therefore names the account that the bucket must belong to, and
// S3 refuses it otherwise. A call that cannot name it is not made.
func NewClient(cfg aws.Config, owner Owner, options ...func(*s3.Options)) *s3.Client {
	return s3.NewFromConfig(cfg, append(options, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(expectOwner(owner), middleware.Before)
		})
	})...)
}

// ownerField is what the SDK calls the header x-amz-expected-bucket-owner.
const ownerField = "ExpectedBucketOwner"

// withoutOwner are operations on no bucket, or on one that is not there yet.
var withoutOwner = []string{"CreateBucket"}

func expectOwner(owner Owner) middleware.InitializeMiddleware {
	return middleware.InitializeMiddlewareFunc(ownerField, func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		field := reflect.Indirect(reflect.ValueOf(in.Parameters)).FieldByName(ownerField)
		operation := middleware.GetOperationName(ctx)
		switch {
		case field.IsValid():
			account, err := owner(ctx)
			if err != nil {
				return middleware.InitializeOutput{}, middleware.Metadata{}, err
			}
			field.Set(reflect.ValueOf(&account))
		case !slices.Contains(withoutOwner, operation):
			return middleware.InitializeOutput{}, middleware.Metadata{}, fmt.Errorf("%s cannot name the account that the bucket must belong to", operation)
		}
		return next.HandleInitialize(ctx, in)
	})
}
