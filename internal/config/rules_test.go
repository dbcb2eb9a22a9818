package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRulesAcceptValidTextsAndRejectOthers(t *testing.T) {
	for rule, c := range map[string]struct{ right, wrong []string }{
		"version": {[]string{"1.0"}, []string{"1", "1.0.0", "2.0", "1x0", "1.0\n"}},
		"environmentName": {
			[]string{"dev", "a", "eu-prod-2", strings.Repeat("a", 40)},
			[]string{"", "Dev", "1dev", "-dev", "dev-", "a_b", "a.b", "a/b", "$(id)", "`id`", "{{workflow.name}}", "a\n", "a b", "dév", strings.Repeat("a", 41)},
		},
		"account": {[]string{"012345678901", "999999999999"}, []string{"", "12345678901", "1234567890123", "12345678901a", "1111-2222-3333", "١١١١١١١١١١١١"}},
		"region": {
			[]string{
				"us-east-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1", "ap-southeast-5", "ap-east-2", "us-iso-east-1", "us-isob-east-1",
				"us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1", "il-central-1", "mx-central-1", "ca-west-1", "af-south-1", "me-central-1", "sa-east-12",
			},
			[]string{"", "us-east", "us-east1", "useast-1", "US-EAST-1", "us_east_1", "us-east-1a", "us--east-1", "us-east-1 ", "global", "aws-global", "us-east-100"},
		},
		"stackName": {
			[]string{
				"A", "ApiStack", "my-app-Api-2", strings.Repeat("a", 128), "Prod/Api", "Prod/Eu.West/Api_2", strings.Repeat("a/", 100) + "a",
				"*", "**", "Prod/*", "Prod/**/Api", "**/Api", "Ap?", "{Api,Data}", "Prod/{Api,Data}*", "[A-D]*", "Prod/[!A]*",
			},
			[]string{
				"", "1Api", "-Api", "/Api", "Api/", "Prod//Api", "Api Stack", "$(id)", "`id`", "Api;id", "a\nb", "{{x}}", "*{{x}}", "{Api", "Api}", "[A", "A!", "A,B", "!Api", "*\"", "*'", `*\`,
				strings.Repeat("a", 129), strings.Repeat("a/", 128) + "a",
			},
		},
		"path": {
			[]string{".", "lib", "lib/api-stack.ts", "./lib", "lib/", "a/../b", "größe/ü.ts", "with space/x", "..lib", ".cdk/x", "dist/**/*.js"},
			[]string{"", "/lib", "..", "../lib", "lib/../..", "./../x", `lib\x`, `C:\x`, "-rf", "a\x00b", "a\nb", "a\u202eb", "{{x}}", "lib/{{x}}"},
		},
		"cachePath": {
			[]string{"node_modules", "~/.npm", "~/.cache/go-build", "a/b/", "a/../b", ".gradle", "~/with space"},
			[]string{"", ".", "./", "~", "~/", "~/.", "~root/x", "/tmp", "~//tmp", "..", "../x", "~/..", "~/../x", "a/../..", `~\x`, "-rf", "~/-rf", "a\nb", "{{x}}", "~/{{x}}"},
		},
		"runUrl": {
			[]string{"https://argo.example.com/workflows/{namespace}/{run}", "http://argo:2746/{run}?tab=workflow#{run}"},
			[]string{
				"", "https://a/x", "https://a/{namespace}", "ftp://a/{run}", "//a/{run}", "https://u@a/{run}", "https://a/{{workflow.name}}{run}", "https://a/{run}}", "https://a/{run} x",
				"https://a/{other}/{run}", "https://a/\"{run}", "https://a{run}/", "javascript:alert(1)//{run}",
			},
		},
		"webhookUrl": {
			[]string{"https://a", "https://events.example.com:8443/aphex/in?team=shop&x=1", "https://10.0.0.7/x"},
			[]string{
				"", "http://a", "https://", "https:///x", "https://u:p@a", "https://u@a/", "https://a/#x", "https://a/{{x}}", "https://a/$(id)", "https://a b", "https://a\n", "https://[::1]/",
				"file:///etc/passwd", "HTTPS://a", "https://a/" + strings.Repeat("a", 2048),
			},
		},
		"command":    {[]string{"npm test", "true", "echo {{x}}", "a\nb\n", " x"}, []string{"", " ", "\n\t", "a\x00b"}},
		"size":       {[]string{"128Mi", "512Mi", "1Gi", "8Gi", "99999Gi", "9999999Mi", "128Mi", "130Mi", "200Mi", "1000Mi"}, []string{"", "0", "0Gi", "0Mi", "1Mi", "127Mi", "100000Gi", "10000000Mi", "99Mi", "100Mi", "119Mi", "0128Mi", "999999999999999999999Gi", "8", "8G", "8GB", "1Ki", "1e9Gi", "1.5Gi", "-1Gi", "8 Gi"}},
		"contextKey": {[]string{"vpc-provider:account=1:region=x", "@aws-cdk/core:x", "x"}, []string{"", " ", " x", "x ", "a\nb", "a\x00"}},
		"pathPattern": {
			[]string{"**", "*.md", "services/api/**", "!docs/**", "a?c", ".github/**", "größe/**", "with space/x", "a!b", "-x", "c++/*", "**/test/*.ts"},
			[]string{"", "!", "!!a", "/a", "!/a", "a/", "a//b", "./a", "../a", "a/../b", ".", "..", `a\b`, "[ab]", "{a,b}", "{{x}}", "a\nb", "a\x00", strings.Repeat("a", 1025)},
		},
		"tagPattern": {
			[]string{"v*", "v?.?", "**", "*", "?1", "release/*", "größe-1", "v1.0+build", "@scope/x@1.0", "_x"},
			[]string{"", "!v*", "/v", "v 1", "v^1", "v:1", "v~1", "[0-9]", "{a,b}", "{{x}}", `v\1`, "a\nb", "v(1)", "v,1", "v'1", "v`1", "v|1", "v&1", "v=1", "v#1", "v%1", "v$1", strings.Repeat("a", 245)},
		},
		"timezone": {
			[]string{"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+3"},
			[]string{"", "Local", "local", "Europe/Bielefeld", "../UTC", "/etc/localtime", "Europe/", "+01:00", "UTC 0 3 * * *", "{{x}}"},
		},
		"cron": {
			[]string{"0 3 * * *", "*/5 * * * *", "0,30 6-18/2 1,15 jan-mar MON-FRI", "59 23 31 12 6", "0  3 * * *", "* * * * 0"},
			[]string{"", "@daily", "0 3 * *", "0 0 3 * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "*/0 * * * *", "5-1 * * * *", "a * * * *", "1,, * * * *", "-1 * * * *", "+1 * * * *", "*/x * * * *", "1/ * * * *", "TZ=UTC 0 3 * * *"},
		},
		"roleArn": {
			[]string{"arn:aws:iam::111111111111:role/A", "arn:aws-cn:iam::111111111111:role/a/b/C_+=,.@-", "arn:aws-us-gov:iam::111111111111:role/" + strings.Repeat("a", 64)},
			[]string{"", "A", "role/A", "arn:aws:iam::1:role/A", "arn:aws:iam::111111111111:user/A", "arn:aws:iam::111111111111:role/", "arn:aws:iam::111111111111:role/a b", "arn:aws:sts::111111111111:assumed-role/A/b", "arn:aws:iam::111111111111:role/" + strings.Repeat("a", 65), "arn:aws:iam:eu-west-1:111111111111:role/A"},
		},
		"keyArn": {
			[]string{"arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012", "arn:aws-cn:kms:cn-north-1:111111111111:key/mrk-1234567812341234123412345678abcd"},
			[]string{"", "alias/shop", "12345678-1234-1234-1234-123456789012", "arn:aws:kms:eu-west-1:111111111111:alias/shop", "arn:aws:kms:eu-west-1:111111111111:key/*", "arn:aws:kms:*:111111111111:key/12345678-1234-1234-1234-123456789012", "arn:aws:kms:eu-west-1:1:key/12345678-1234-1234-1234-123456789012"},
		},
		"externalId": {
			[]string{"ab", "my-app/pipeline:x@y=1+2,3.4_5", strings.Repeat("a", 1224)},
			[]string{"", "a", "a b", "a$b", strings.Repeat("a", 1225)},
		},
		"bucketName": {
			[]string{"abc", "my-bucket", "my.bucket.1", strings.Repeat("a", 63)},
			[]string{"", "ab", "My-bucket", "my_bucket", "-bucket", "bucket-", ".bucket", "a..b", "192.168.0.1", "xn--bucket", "sthree-x", "bucket-s3alias", "bucket--ol-s3", strings.Repeat("a", 64)},
		},
		"secretName":   {[]string{"github-token", "my/app/token_1+=.@-"}, []string{"", "my token", "a:b", strings.Repeat("a", 513)}},
		"clusterName":  {[]string{"company-pipelines", "1_a"}, []string{"", "-a", "a b", "a.b", strings.Repeat("a", 101)}},
		"exportPrefix": {[]string{"AphexCluster-a-", "a:b"}, []string{"", "a_b", "a b", "${AWS::Region}"}},
		"kubernetesName": {
			[]string{"a", "aphex-pipeline-template", "1a", strings.Repeat("a", 63)},
			[]string{"", "A", "a_b", "a.b", "-a", "a-", "a/b", strings.Repeat("a", 64)},
		},
		"namespace":       {[]string{"argo", "team-1"}, []string{"", "Argo", "a.b", "-a", "a-"}},
		"eventSourceName": {[]string{"github", strings.Repeat("a", 47)}, []string{"", "1a", "a-", strings.Repeat("a", 48)}},
		"namePrefix":      {[]string{"aphex-pipeline-", "a"}, []string{"", "-", "1-", "A-", "a_", strings.Repeat("a", 41)}},
		"image": {
			[]string{
				"builder", "aphex/builder:1.0", "public.ecr.aws/aphex/builder:latest", "localhost:5000/x", "a__b/c--d.e",
				"111111111111.dkr.ecr.eu-west-1.amazonaws.com/a/b@sha256:" + strings.Repeat("0", 64), "x:1@sha256:" + strings.Repeat("f", 64),
			},
			[]string{"", "Builder", "a b", "https://x/y", "x:", "x@sha256:12", "x:la test", "/x", "x/", "x//y", "-x", "x;id", "{{image}}", "x:" + strings.Repeat("a", 129)},
		},
		"githubOwner": {[]string{"my-org", "a", "1st", "user_corp"}, []string{"", "-org", "my org", "a/b", "a.b", strings.Repeat("a", 40)}},
		"githubRepo":  {[]string{"my-app", ".github", "a.b_c"}, []string{"", ".", "..", "a/b", "a b", "a.git", strings.Repeat("a", 101)}},
		"branch": {
			[]string{"main", "release/2.x", "feature/ü-$(id);`x`", "a@b", "@a", "a{b}"},
			[]string{
				"", "-main", "/main", "main/", "main.", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", `a\b`, "a@{1}", "a//b", "@", "HEAD",
				".a", "a/.b", "a.lock", "a.lock/b", "refs/heads/main", "{{branch}}", "a\nb", "a\x7f",
			},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			for _, text := range c.right {
				broken, why := rules()[rule].broken(text)
				assert.False(t, broken, "%q %s", text, why)
			}
			for _, text := range c.wrong {
				broken, _ := rules()[rule].broken(text)
				assert.True(t, broken, "%q", text)
			}
		})
	}
}

func TestEveryRuleThatAKeyNamesExists(t *testing.T) {
	used := map[string]bool{}
	for _, group := range documented() {
		for _, f := range fieldsOf(group.typ) {
			for _, rule := range []string{f.rule, f.keys} {
				if rule != "" {
					assert.Contains(t, rules(), rule, f.key)
					used[rule] = true
				}
			}
		}
	}
	assert.Len(t, used, len(rules()), "a rule that no key names")
}

func TestTheNearestWordIsAPlausibleTypo(t *testing.T) {
	keys := []string{"githubOwner", "githubRepo", "region", "stacks", "after"}
	for written, want := range map[string]string{
		"github_owner": "githubOwner", "GITHUB-REPO": "githubRepo", "githubRpeo": "githubRepo", "regoin": "region",
		"stack": "stacks", "afetr": "after", "zone": "", "x": "", "": "",
		strings.Repeat("region", 100): "",
	} {
		assert.Equal(t, want, nearest(written, keys), written)
	}
}

func TestARegionThatNoPartitionHasIsRefusedWithTheNearest(t *testing.T) {
	for written, meant := range map[string]string{
		"eu-wst-1": "eu-west-1", "us-eats-1": "us-east-1", "eu-central1": "eu-central-1", "us-gov-wset-1": "us-gov-west-1", "eu_west_1": "eu-west-1",
		"europe-west-1": "", "ue-west-1": "eu-west-1",
	} {
		_, err := Parse(File, []byte("version: \"1.0\"\nenvironments:\n  - {name: dev, account: \"111111111111\", region: "+written+", stacks: [{name: Api}]}\n"))
		require.Error(t, err, written)
		if meant != "" {
			assert.Contains(t, err.Error(), meant, written)
		}
	}
	for _, region := range []string{"ap-southeast-9", "us-isob-west-1", "eusc-de-east-1", "mx-central-1", "cn-northwest-1", "eu-isoe-west-1", "us-gov-east-1"} {
		_, err := Parse(File, []byte("version: \"1.0\"\nenvironments:\n  - {name: dev, account: \"111111111111\", region: "+region+", stacks: [{name: Api}]}\n"))
		assert.NoError(t, err, region)
	}
}

func TestACommandThatYAMLTakesForAMappingIsAdvisedToBeQuoted(t *testing.T) {
	_, err := Parse(File, []byte("version: \"1.0\"\nbuild:\n  commands:\n    - echo it's: here\n"+
		"environments:\n  - {name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Api}]}\n"))
	require.ErrorContains(t, err, "write 'echo it''s: here'")
}
