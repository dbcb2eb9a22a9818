package awssim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParameters(t *testing.T) {
	c := newCloud(t)
	client := c.ssm(devAccount, ireland)
	put := func(name, value string, overwrite bool) error {
		_, err := client.PutParameter(ctx, &ssm.PutParameterInput{Name: &name, Value: &value, Type: types.ParameterTypeString, Overwrite: &overwrite})
		return err
	}
	get := func(name string) (string, error) {
		out, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
		if err != nil {
			return "", err
		}
		return *out.Parameter.Value, nil
	}
	require.NoError(t, put("/app/a", "1", false))
	require.Equal(t, "ParameterAlreadyExists", code(put("/app/a", "2", false)))
	require.NoError(t, put("/app/a", "2", true))
	require.NoError(t, put("/app/deep/b", "3", false))
	require.NoError(t, put("bare", "4", false))
	for name, want := range map[string]string{
		"/app/a": "2", "/app/a:2": "2", "arn:aws:ssm:eu-west-1:111111111111:parameter/app/a": "2", "bare": "4",
		"arn:aws:ssm:eu-west-1:111111111111:parameter/bare": "4",
	} {
		value, err := get(name)
		require.NoError(t, err, name)
		assert.Equal(t, want, value, name)
	}
	for name, want := range map[string]string{
		"/app/a:1": "ParameterVersionNotFound", "/app/none": "ParameterNotFound", "/bare": "ParameterNotFound",
		"arn:aws:ssm:eu-west-1:222222222222:parameter/app/a": "ParameterNotFound",
	} {
		_, err := get(name)
		assert.Equal(t, want, code(err), name)
	}
	for _, name := range []string{"", "/a b", "aws-mine", "/aws/x", "a/b", "/a//b", "/a/"} {
		assert.Equal(t, "ValidationException", code(put(name, "v", false)), "%q", name)
	}
	require.Error(t, put("/empty", "", false))
	_, err := c.ssm(devAccount, frankfurt).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/app/a")})
	require.Equal(t, "ParameterNotFound", code(err), "another region is another store")
}

func TestParametersInBulk(t *testing.T) {
	client := newCloud(t).ssm(devAccount, ireland)
	for i := range 23 {
		_, err := client.PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String(fmt.Sprintf("/n/%02d", i)), Value: aws.String("v"), Type: types.ParameterTypeSecureString})
		require.NoError(t, err)
	}
	pager := ssm.NewGetParametersByPathPaginator(client, &ssm.GetParametersByPathInput{Path: aws.String("/n"), WithDecryption: aws.Bool(true)})
	var names []string
	for pager.HasMorePages() {
		page, err := pager.NextPage(ctx)
		require.NoError(t, err)
		for _, parameter := range page.Parameters {
			names = append(names, *parameter.Name)
			require.Equal(t, "v", *parameter.Value)
		}
	}
	require.Len(t, names, 23)
	several, err := client.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{"/n/01", "/n/99"}})
	require.NoError(t, err)
	require.NotEqual(t, "v", *several.Parameters[0].Value, "a secure one stays closed unless decryption is asked for")
	require.Equal(t, []string{"/n/99"}, several.InvalidParameters)
	described, err := client.DescribeParameters(ctx, &ssm.DescribeParametersInput{
		ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Name"), Option: aws.String("BeginsWith"), Values: []string{"/n/1"}}},
	})
	require.NoError(t, err)
	require.Len(t, described.Parameters, 10)
	deleted, err := client.DeleteParameters(ctx, &ssm.DeleteParametersInput{Names: []string{"/n/01", "/n/99"}})
	require.NoError(t, err)
	require.Equal(t, []string{"/n/01"}, deleted.DeletedParameters)
}

func TestMachineImagesHaveAnIDThatStays(t *testing.T) {
	client := newCloud(t).ssm(devAccount, ireland)
	name := aws.String("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")
	first, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: name})
	require.NoError(t, err)
	require.Regexp(t, `^ami-[0-9a-f]{17}$`, *first.Parameter.Value)
	second, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: name})
	require.NoError(t, err)
	require.Equal(t, *first.Parameter.Value, *second.Parameter.Value)
}

func TestSecrets(t *testing.T) {
	admin := newCloud(t).caller(devAccount, ireland)
	call := func(operation string, input map[string]any) answer {
		return admin.json("secretsmanager", "secretsmanager."+operation, input)
	}
	created := call("CreateSecret", map[string]any{"Name": "app/token", "SecretString": "one"}).ok(t)
	require.Equal(t, "ResourceExistsException", call("CreateSecret", map[string]any{"Name": "app/token", "SecretString": "x"}).code())
	require.Equal(t, "ValidationException", call("CreateSecret", map[string]any{"Name": "a b"}).code())
	arn := created[strings.Index(created, "arn:"):strings.Index(created, `","Name"`)]
	call("PutSecretValue", map[string]any{"SecretId": "app/token", "SecretString": "two"}).ok(t)
	for _, id := range []string{"app/token", arn, arn[:len(arn)-7]} {
		require.Contains(t, call("GetSecretValue", map[string]any{"SecretId": id}).ok(t), `"SecretString":"two"`, id)
	}
	require.Contains(t, call("GetSecretValue", map[string]any{"SecretId": arn, "VersionStage": "AWSPREVIOUS"}).ok(t), `"SecretString":"one"`)
	require.Equal(t, "ResourceNotFoundException", call("GetSecretValue", map[string]any{"SecretId": arn, "VersionStage": "MINE"}).code())
	require.Equal(t, "ResourceNotFoundException", call("GetSecretValue", map[string]any{"SecretId": "app"}).code())
	call("CreateSecret", map[string]any{"Name": "bytes", "SecretBinary": "AAEC"}).ok(t)
	require.Contains(t, call("GetSecretValue", map[string]any{"SecretId": "bytes"}).ok(t), `"SecretBinary":"AAEC"`)
	password := call("GetRandomPassword", map[string]any{"PasswordLength": 8, "ExcludeUppercase": true, "ExcludePunctuation": true, "ExcludeCharacters": "aeiou"}).ok(t)
	require.Regexp(t, `"RandomPassword":"[b-df-hj-np-tv-z0-9]{8}"`, password)
	require.Equal(t, "InvalidParameterException", call("GetRandomPassword", map[string]any{"PasswordLength": 2}).code())
	call("DeleteSecret", map[string]any{"SecretId": "bytes"}).ok(t)
	require.Contains(t, call("ListSecrets", nil).ok(t), "app/token")
}

func TestImages(t *testing.T) {
	c := newCloud(t)
	client := ecr.NewFromConfig(c.as(devAccount, ireland))
	name := aws.String("shop/api")
	_, err := client.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"shop/api"}})
	require.Equal(t, "RepositoryNotFoundException", code(err))
	created, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: name, ImageTagMutability: ecrtypes.ImageTagMutabilityImmutable})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:ecr:eu-west-1:111111111111:repository/shop/api", *created.Repository.RepositoryArn)
	put := func(manifest, tag string) error {
		_, err := client.PutImage(ctx, &ecr.PutImageInput{RepositoryName: name, ImageManifest: &manifest, ImageTag: &tag})
		return err
	}
	require.NoError(t, put("{1}", "v1"))
	require.Equal(t, "ImageAlreadyExistsException", code(put("{1}", "v1")))
	require.Equal(t, "ImageTagAlreadyExistsException", code(put("{2}", "v1")))
	require.NoError(t, put("{1}", "same"))
	described, err := client.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: name, ImageIds: []ecrtypes.ImageIdentifier{{ImageTag: aws.String("v1")}}})
	require.NoError(t, err)
	require.Equal(t, []string{"v1", "same"}, described.ImageDetails[0].ImageTags)
	_, err = client.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: name, ImageIds: []ecrtypes.ImageIdentifier{{ImageTag: aws.String("v2")}}})
	require.Equal(t, "ImageNotFoundException", code(err))
	got, err := client.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: name, ImageIds: []ecrtypes.ImageIdentifier{{ImageTag: aws.String("v1")}, {ImageTag: aws.String("v2")}}})
	require.NoError(t, err)
	require.Equal(t, "{1}", *got.Images[0].ImageManifest)
	require.Len(t, got.Failures, 1)
	_, err = client.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: name})
	require.Equal(t, "RepositoryNotEmptyException", code(err))
	_, err = client.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: name, ImageIds: []ecrtypes.ImageIdentifier{{ImageDigest: described.ImageDetails[0].ImageDigest}}})
	require.NoError(t, err)
	_, err = client.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: name})
	require.NoError(t, err)
}

func TestEveryPartitionHasItsOwnNames(t *testing.T) {
	c := newCloud(t)
	for region, want := range map[string]string{
		"eu-west-1": "arn:aws:iam::111111111111:user/admin", "cn-north-1": "arn:aws-cn:iam::111111111111:user/admin",
		"us-gov-west-1": "arn:aws-us-gov:iam::111111111111:user/admin", "us-iso-east-1": "arn:aws-iso:iam::111111111111:user/admin",
	} {
		body := c.caller(devAccount, region).form("sts", "GetCallerIdentity").ok(t)
		assert.Contains(t, body, "<Arn>"+want+"</Arn>", region)
	}
	zones := c.caller(devAccount, "us-gov-west-1").form("ec2", "DescribeAvailabilityZones").ok(t)
	assert.Contains(t, zones, "<zoneName>us-gov-west-1c</zoneName>")
	regions := c.caller(devAccount, "cn-north-1").form("ec2", "DescribeRegions").ok(t)
	assert.Contains(t, regions, "ec2.cn-northwest-1.amazonaws.com.cn")
}
