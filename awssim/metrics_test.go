package awssim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func datum(name string, value float64, at time.Time, dimensions ...string) types.MetricDatum {
	d := types.MetricDatum{MetricName: &name, Value: &value, Unit: types.StandardUnitSeconds, Timestamp: &at}
	for i := 0; i < len(dimensions); i += 2 {
		d.Dimensions = append(d.Dimensions, types.Dimension{Name: &dimensions[i], Value: &dimensions[i+1]})
	}
	return d
}

func TestMetricsAreListedAndSummedUpByTheAWSCLI(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	client := cloudwatch.NewFromConfig(c.as(devAccount, ireland))
	at := time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)
	var many []types.MetricDatum // long enough to be compressed
	for i := range 500 {
		many = append(many, datum("Many", 1, at, "Stack", fmt.Sprintf("Stack-%d", i)))
	}
	for _, data := range [][]types.MetricDatum{{datum("Duration", 2, at, "Stack", "Api", "Environment", "dev"), datum("Duration", 4, at.Add(time.Minute), "Environment", "dev", "Stack", "Api")}, many} {
		_, err := client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("Shop"), MetricData: data})
		require.NoError(t, err)
	}
	c.awsOK("cloudwatch", "put-metric-data", "--namespace", "Shop", "--metric-name", "ByCLI", "--value", "3", "--dimensions", "Stack=Api")
	assert.Len(t, c.Metrics().Published(devAccount, ireland, "Shop"), 503)

	assert.Equal(t, "Duration", c.awsOK("cloudwatch", "list-metrics", "--namespace", "Shop", "--dimensions", "Name=Environment,Value=dev", "--query", "Metrics[].MetricName", "--output", "text"))
	assert.Equal(t, "500", c.awsOK("cloudwatch", "list-metrics", "--metric-name", "Many", "--query", "length(Metrics)"))
	printed := c.awsOK("cloudwatch", "get-metric-statistics", "--namespace", "Shop", "--metric-name", "Duration", "--dimensions", "Name=Environment,Value=dev", "Name=Stack,Value=Api",
		"--start-time", at.Format(time.RFC3339), "--end-time", at.Add(time.Hour).Format(time.RFC3339), "--period", "3600", "--statistics", "Sum", "SampleCount", "Maximum",
		"--query", "Datapoints[0].[Sum,SampleCount,Maximum,Timestamp]", "--output", "text")
	assert.True(t, strings.HasPrefix(printed, "6\t2\t4\t"+at.Format("2006-01-02T15")), printed)
	assert.Empty(t, c.Unknown())
}

func TestValuesThatCloudWatchRefusesAreRefused(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	client := cloudwatch.NewFromConfig(c.as(devAccount, ireland))
	now := time.Now()
	var tooMany []types.MetricDatum
	for range 1001 {
		tooMany = append(tooMany, datum("Count", 1, now))
	}
	for name, data := range map[string][]types.MetricDatum{
		"too many values": tooMany, "an empty dimension": {datum("Count", 1, now, "Stack", " ")}, "a dimension that is not ASCII": {datum("Count", 1, now, "Stack", "Größe")},
		"an old value": {datum("Count", 1, now.Add(-15*24*time.Hour))}, "no name": {datum("", 1, now)},
	} {
		_, err := client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("Shop"), MetricData: data})
		require.ErrorContains(t, err, "InvalidParameterValue", name)
	}
	_, err := client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("AWS/EC2"), MetricData: []types.MetricDatum{datum("Count", 1, now)}})
	require.Error(t, err)
}

func TestThePermissionToPublishMetricsIsOfANamespace(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	session, err := c.assume(c.as(devAccount, ireland), c.role(devAccount, "publisher", fmt.Sprintf(trustAccount, devAccount),
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*","Condition":{"StringEquals":{"cloudwatch:namespace":["Shop"]}}}]}`))
	require.NoError(t, err)
	client := cloudwatch.NewFromConfig(session)
	for namespace, permitted := range map[string]bool{"Shop": true, "Other": false} {
		_, err := client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: &namespace, MetricData: []types.MetricDatum{datum("Count", 1, time.Now())}})
		assert.Equal(t, permitted, err == nil, "%s: %v", namespace, err)
		if err != nil {
			assert.ErrorContains(t, err, "AccessDenied")
		}
	}
}

func TestTopicsKeepWhatIsPublishedToThem(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	arn := c.awsOK("sns", "create-topic", "--name", "news", "--query", "TopicArn", "--output", "text")
	assert.Equal(t, "arn:aws:sns:eu-west-1:111111111111:news", arn)
	assert.Equal(t, arn, c.awsOK("sns", "list-topics", "--query", "Topics[].TopicArn", "--output", "text"))
	c.awsOK("sns", "publish", "--topic-arn", arn, "--message", "by CLI")
	client := sns.NewFromConfig(c.as(devAccount, ireland))
	publish := func(topic, subject, message string) error {
		_, err := client.Publish(ctx, &sns.PublishInput{
			TopicArn: &topic, Subject: &subject, Message: &message, MessageStructure: aws.String("json"),
			MessageAttributes: map[string]snstypes.MessageAttributeValue{"outcome": {DataType: aws.String("String"), StringValue: aws.String("failed")}},
		})
		return err
	}
	require.NoError(t, publish(arn, "It failed", `{"default":"x"}`))
	messages := c.Topics().Messages(arn)
	require.Len(t, messages, 2)
	assert.Equal(t, "by CLI", messages[0].Message)
	assert.Equal(t, map[string]string{"outcome": "failed"}, messages[1].Attributes)
	for want, err := range map[string]error{
		"Subject": publish(arn, "two\nlines", `{"default":"x"}`), "No default entry": publish(arn, "s", `{}`), "Topic does not exist": publish(arn+"2", "s", `{"default":"x"}`),
		"TopicArn": publish("news", "s", `{"default":"x"}`), "AuthorizationError": publish("arn:aws:sns:eu-west-1:222222222222:news", "s", `{"default":"x"}`),
	} {
		if want == "AuthorizationError" {
			assert.Error(t, err, "of another account")
			continue
		}
		assert.ErrorContains(t, err, want)
	}
}
