package clouds

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
)

// stackIn is a stack with resources, each a logical and a physical id.
func stackIn(name string, resources ...[2]string) found {
	f := found{name: name, stack: cfntypes.Stack{StackId: aws.String("arn:aws:cloudformation:eu-west-1:1:stack/" + name + "/0")}}
	for _, r := range resources {
		f.resources = append(f.resources, cfntypes.StackResource{LogicalResourceId: aws.String(r[0]), PhysicalResourceId: aws.String(r[1])})
	}
	return f
}

func TestWhatIsDrawnIsReadByWhatItIsWhicheverStackItComesFrom(t *testing.T) {
	t.Parallel()
	producer := stackIn("1/us-east-1/Producer", [2]string{"Bucket", "producer-bucket-a1b2c3d4e5f6"}, [2]string{"Short", "arn"})
	consumer := stackIn("1/eu-west-1/Consumer", [2]string{"Queue", "consumer-queue-0a0a0a0a0a0a"}, [2]string{"Same", "producer-bucket-a1b2c3d4e5f6"})
	all := []found{producer, consumer}
	for value, read := range map[string]string{
		"arn:aws:s3:::producer-bucket-a1b2c3d4e5f6/x": "arn:aws:s3:::<Same>/x", // the stack's own comes first
		"consumer-queue-0a0a0a0a0a0a":                 "<Queue>",
		*producer.stack.StackId:                       "<1/us-east-1/Producer>",
		"Some-Thing-ABCDEFGHIJKL":                     "Some-Thing-RANDOM",
	} {
		assert.Equal(t, read, cleaner(consumer, all)(&value), value)
	}
	value := "https://producer-bucket-a1b2c3d4e5f6.s3.amazonaws.com"
	assert.Equal(t, "https://<1/us-east-1/Producer/Bucket>.s3.amazonaws.com", cleaner(stackIn("1/eu-west-1/Other"), all)(&value))
}
