package awssim_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnOutputOfAnotherAccountIsReadThroughARoleThatTrustsTheReader(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	role := func(name, trusted, action string) string {
		return fmt.Sprintf(`%q:{"Type":"AWS::IAM::Role","Properties":{"RoleName":%[1]q,
			"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":%[2]q},"Action":"sts:AssumeRole"}]},
			"Policies":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%[3]q,"Resource":"*"}]}}]}}`, name, trusted, action)
	}
	producer := c.formation(c.as(prodAccount, frankfurt), "Producer")
	require.NoError(t, producer.create(`{"Resources":{`+role("reader", devAccount, "cloudformation:DescribeStacks")+`,`+
		role("outsider", prodAccount, "cloudformation:DescribeStacks")+`,`+role("powerless", devAccount, "s3:GetObject")+`},"Outputs":{"Value":{"Value":"far"}}}`))
	require.Equal(t, cfntypes.StackStatusCreateComplete, producer.settle())

	for name, reason := range map[string]string{
		"reader":    "",
		"outsider":  "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/outsider",
		"powerless": "is not authorized to perform: cloudformation:DescribeStacks",
		"unknown":   "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/unknown",
	} {
		reader := c.formation(c.as(devAccount, ireland), name)
		require.NoError(t, reader.create(`{"Resources":{"P":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/`+name+`","Type":"String","Value":
			{"Fn::GetStackOutput":{"StackName":"Producer","OutputName":"Value","Region":"eu-central-1","RoleArn":"arn:aws:iam::222222222222:role/`+name+`"}}}}}}`))
		if reason != "" {
			assert.Equal(t, cfntypes.StackStatusRollbackComplete, reader.settle(), name)
			assert.Contains(t, reader.reasons(), reason)
			continue
		}
		require.Equal(t, cfntypes.StackStatusCreateComplete, reader.settle(), reader.reasons())
		found, err := c.ssm(devAccount, ireland).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/reader")})
		require.NoError(t, err)
		assert.Equal(t, "far", *found.Parameter.Value)
	}
}

func TestTheCustomResourcesOfTheCDKCarryExportsToAnotherRegion(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	here, there := c.formation(c.as(devAccount, ireland), "Writer"), c.formation(c.as(devAccount, frankfurt), "Reader")
	store := c.ssm(devAccount, frankfurt)
	writer := func(exports string) string {
		return `{"Resources":{"W":{"Type":"Custom::CrossRegionExportWriter","Properties":{"ServiceToken":"arn:f","WriterProps":{"region":"eu-central-1","exports":{` + exports + `}}}}}}`
	}
	reader := func(imports string) string {
		return `{"Resources":{"R":{"Type":"Custom::CrossRegionExportReader","Properties":{"ServiceToken":"arn:f","ReaderProps":{"region":"eu-central-1","prefix":"Reader","imports":{` + imports + `}}}}},
			"Outputs":{"One":{"Value":{"Fn::GetAtt":["R","/cdk/exports/one"]}}}}`
	}
	const one, two = `"/cdk/exports/one":"first"`, `"/cdk/exports/two":"second"`
	require.NoError(t, here.create(writer(one)))
	require.Equal(t, cfntypes.StackStatusCreateComplete, here.settle(), here.reasons())
	require.NoError(t, there.create(reader(`"/cdk/exports/one":"{{resolve:ssm:/cdk/exports/one}}"`)))
	require.Equal(t, cfntypes.StackStatusCreateComplete, there.settle(), there.reasons())
	assert.Equal(t, "first", outputOf(t, there, "One"))
	assert.Equal(t, []string{"aws-cdk:strong-ref:Reader"}, tagsOf(t, store, "/cdk/exports/one"))

	require.NoError(t, here.update(writer(one+","+two)))
	require.Equal(t, cfntypes.StackStatusUpdateComplete, here.settle(), here.reasons())
	assert.Empty(t, tagsOf(t, store, "/cdk/exports/two"))
	assert.NotEmpty(t, tagsOf(t, store, "/cdk/exports/one"), "existing tags are kept")
	_, err := there.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: there.name})
	require.NoError(t, err)
	require.Equal(t, cfntypes.StackStatusDeleteComplete, there.settle())
	assert.Empty(t, tagsOf(t, store, "/cdk/exports/one"))

	require.NoError(t, here.update(writer(two)))
	require.Equal(t, cfntypes.StackStatusUpdateComplete, here.settle(), here.reasons())
	_, err = store.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/cdk/exports/one")})
	assert.ErrorContains(t, err, "ParameterNotFound")
	require.NoError(t, there.create(reader(`"/cdk/exports/one":"{{resolve:ssm:/cdk/exports/one}}"`)))
	assert.Equal(t, cfntypes.StackStatusRollbackComplete, there.settle())
}

func tagsOf(t *testing.T, store *ssm.Client, name string) (keys []string) {
	t.Helper()
	found, err := store.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: ssmtypes.ResourceTypeForTaggingParameter, ResourceId: &name})
	require.NoError(t, err)
	for _, tag := range found.TagList {
		keys = append(keys, *tag.Key)
	}
	return keys
}

func outputOf(t *testing.T, f formation, key string) string {
	t.Helper()
	found, err := f.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: f.name})
	require.NoError(t, err)
	for _, o := range found.Stacks[0].Outputs {
		if *o.OutputKey == key {
			return *o.OutputValue
		}
	}
	return ""
}
