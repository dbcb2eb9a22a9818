package cfn

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TemplateURL converts "s3://bucket/key" in an assembly into the https URL that
// CloudFormation accepts, for exactly that key. It returns other URLs unchanged.
func TemplateURL(ctx context.Context, cfg aws.Config, given string) (string, error) {
	place, isS3 := strings.CutPrefix(given, "s3://")
	if !isS3 {
		return given, nil
	}
	options := s3.NewFromConfig(cfg).Options()
	endpoint, err := options.EndpointResolverV2.ResolveEndpoint(ctx, s3.EndpointParameters{
		Region: &cfg.Region, Endpoint: options.BaseEndpoint, UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false),
	})
	if err != nil {
		return "", fmt.Errorf("resolving the endpoint of S3 in %s: %w", cfg.Region, err)
	}
	return (&url.URL{Scheme: endpoint.URI.Scheme, Host: endpoint.URI.Host, Path: "/" + place}).String(), nil
}
