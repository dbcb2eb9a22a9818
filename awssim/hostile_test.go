package awssim_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

func TestHostileCallsAreRefusedWithAReason(t *testing.T) {
	admin := newCloud(t).caller(devAccount, ireland)
	const form, js = "application/x-www-form-urlencoded", "application/x-amz-json-1.1"
	for name, c := range map[string]struct {
		got  answer
		want string
	}{
		"a form that is none":         {admin.send("iam", form, "", "Action=%zz"), "MalformedQueryString"},
		"no action":                   {admin.send("iam", form, "", "Version=1"), "MissingAction"},
		"an unknown action":           {admin.form("iam", "CreateUser"), "InvalidAction"},
		"an unknown service":          {admin.form("rds", "DescribeDBInstances"), "InvalidAction"},
		"an unknown service of REST":  {admin.send("lambda", "application/json", "", `{"a":1}`), "UnknownOperationException"},
		"an unknown JSON operation":   {admin.json("ssm", "AmazonSSM.SendCommand", nil), "UnknownOperationException"},
		"JSON that is none":           {admin.send("ssm", js, "AmazonSSM.GetParameter", "{"), "SerializationException"},
		"JSON of another shape":       {admin.send("ssm", js, "AmazonSSM.GetParameter", `{"Name":[1]}`), "SerializationException"},
		"JSON without end":            {admin.send("ssm", js, "AmazonSSM.GetParameter", strings.Repeat("[", 1<<20)), "SerializationException"},
		"a body beyond all measure":   {admin.send("iam", form, "", "Action="+strings.Repeat("a", 5<<20)), "RequestEntityTooLarge"},
		"a form where JSON is spoken": {admin.form("ssm", "GetParameter"), "InvalidAction"},
		"a role's ARN that is none":   {admin.form("sts", "AssumeRole", "RoleArn=r", "RoleSessionName=test"), "ValidationError"},
		"a session name with a space": {admin.form("sts", "AssumeRole", "RoleArn=arn:aws:iam::111111111111:role/r", "RoleSessionName=a b"), "ValidationError"},
		"a token that is none":        {admin.form("sts", "AssumeRoleWithWebIdentity", "RoleArn=arn:aws:iam::111111111111:role/r", "RoleSessionName=ab", "WebIdentityToken=x.y.z"), "InvalidIdentityToken"},
	} {
		assert.Equal(t, c.want, c.got.code(), name)
		assert.GreaterOrEqual(t, c.got.status, 400, name)
		assert.Less(t, c.got.status, 500, name)
	}
}

// FuzzCalls sends signed calls of any shape to every service: each must be
// answered, and none may be the simulator's own failure.
func FuzzCalls(f *testing.F) {
	server, err := awssim.New(awssim.Options{})
	require.NoError(f, err)
	f.Cleanup(func() { _ = server.Close() })
	admin := server.AddAccount(devAccount)
	key := aws.Credentials{AccessKeyID: admin.AccessKeyID, SecretAccessKey: admin.SecretAccessKey}
	for _, seed := range [][5]string{
		{"iam", "POST", "/", "", "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D&Tags.member.1.Key=a"},
		{"sts", "POST", "/", "", "Action=AssumeRole&RoleArn=arn:aws:iam::111111111111:role/r&RoleSessionName=ab&DurationSeconds=-1"},
		{"ssm", "POST", "/", "AmazonSSM.DescribeParameters", `{"ParameterFilters":[{"Key":"Path","Values":["/"]}],"NextToken":"9"}`},
		{"secretsmanager", "POST", "/", "secretsmanager.GetRandomPassword", `{"PasswordLength":-1}`},
		{"ecr", "POST", "/", "ECR.PutImage", `{"repositoryName":"a","imageManifest":"{}"}`},
		{"ec2", "POST", "/", "", "Action=DescribeRegions&RegionName.1=eu-west-1"},
		{"cloudformation", "POST", "/", "", "Action=CreateStack&StackName=s&TemplateBody=%7B%7D"},
		{"s3", "PUT", "/bucket", "", "<CreateBucketConfiguration/>"},
		{"s3", "GET", "/bucket?list-type=2&max-keys=-1&delimiter=/", "", ""},
		{"s3", "POST", "/bucket?delete", "", "<Delete><Object><Key>k</Key></Object></Delete>"},
		{"s3", "PUT", "/bucket/key?partNumber=0&uploadId=x", "", "x"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	f.Fuzz(func(t *testing.T, service, method, target, operation, body string) {
		r, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1", strings.NewReader(body))
		if err != nil {
			return
		}
		if r.URL, err = r.URL.Parse(target); err != nil || r.URL.Host != "127.0.0.1" {
			return
		}
		if operation != "" {
			r.Header.Set("X-Amz-Target", operation)
		}
		sum := sha256.Sum256([]byte(body))
		hash := hex.EncodeToString(sum[:])
		r.Header.Set("X-Amz-Content-Sha256", hash)
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
		if signer.SignHTTP(ctx, key, r, hash, service, "us-east-1", time.Now()) != nil {
			return
		}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		require.NotContains(t, w.Body.String(), "the simulator failed")
	})
}
