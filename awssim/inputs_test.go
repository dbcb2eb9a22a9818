package awssim_test

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/awssim/ec2"
	"github.com/aphex/aphex-pipeline/awssim/elbv2"
	"github.com/aphex/aphex-pipeline/awssim/iam"
	"github.com/aphex/aphex-pipeline/awssim/route53"
	simulated "github.com/aphex/aphex-pipeline/awssim/sts"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Services that read a form refuse parameters by name; CloudFormation and S3 have tests of their own.
func TestNoOperationIgnoresAParameter(t *testing.T) {
	for _, service := range []wire.Service{
		iam.New(time.Now).IAM(), simulated.Tokens{}.Service(), ec2.New(nil).Service(), elbv2.Balancers{}.Service(), route53.Zones{}.Service(),
	} {
		for operation := range service.Operations {
			call := &wire.Call{Service: service.Name, Operation: operation, Form: url.Values{"Misspelt": {"x"}}}
			_, err := service.Run(t.Context(), call)
			assert.ErrorContains(t, err, "the simulator does not support Misspelt of "+service.Name+":"+operation)
		}
	}
}

func TestEveryInputOfSTSIsHonouredOrRefusedByName(t *testing.T) {
	refused := map[string][]string{
		"AssumeRole":                {"MinimumSessionTokenSize", "PolicyArns", "ProvidedContexts", "SerialNumber", "SourceIdentity", "TokenCode"},
		"AssumeRoleWithWebIdentity": {"MinimumSessionTokenSize", "PolicyArns", "ProviderId"},
	}
	admin := newCloud(t).caller(devAccount, ireland)
	for operation, input := range map[string]reflect.Type{
		"AssumeRole": reflect.TypeFor[sts.AssumeRoleInput](), "AssumeRoleWithWebIdentity": reflect.TypeFor[sts.AssumeRoleWithWebIdentityInput](),
		"GetCallerIdentity": reflect.TypeFor[sts.GetCallerIdentityInput](),
	} {
		for i := range input.NumField() {
			if name := input.Field(i).Name; input.Field(i).IsExported() {
				says := "the simulator does not support " + name + " of sts:" + operation
				assert.Equal(t, slices.Contains(refused[operation], name), strings.Contains(admin.form("sts", operation, name+"=x").body, says), operation+" "+name)
			}
		}
	}
}
