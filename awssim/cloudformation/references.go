package cloudformation

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// secureProperties are the only properties that may take a value from a secure
// parameter, {{resolve:ssm-secure:…}}.
var secureProperties = []string{
	"AWS::DirectoryService::MicrosoftAD/Properties/Password",
	"AWS::DirectoryService::SimpleAD/Properties/Password",
	"AWS::ElastiCache::ReplicationGroup/Properties/AuthToken",
	"AWS::IAM::User/Properties/LoginProfile/Password",
	"AWS::KinesisFirehose::DeliveryStream/Properties/RedshiftDestinationConfiguration/Password",
	"AWS::OpsWorks::App/Properties/AppSource/Password",
	"AWS::OpsWorks::Stack/Properties/CustomCookbooksSource/Password",
	"AWS::OpsWorks::Stack/Properties/RdsDbInstances/DbPassword",
	"AWS::RDS::DBCluster/Properties/MasterUserPassword",
	"AWS::RDS::DBInstance/Properties/MasterUserPassword",
	"AWS::Redshift::Cluster/Properties/MasterUserPassword",
}

// checkSecure refuses references to secure parameters where CloudFormation
// does not resolve them.
func checkSecure(t *template.Template) error {
	var refused []string
	for _, id := range sortedKeys(t.Resources) {
		r := t.Resources[id]
		eachText(r.Type+"/Properties", r.Properties, func(path, text string) {
			if strings.Contains(text, "{{resolve:ssm-secure:") && !slices.Contains(secureProperties, path) {
				refused = append(refused, path)
			}
		})
	}
	if len(refused) > 0 {
		return invalidf("SSM Secure reference is not supported in: [%s]", strings.Join(refused, ", "))
	}
	return nil
}

// eachText visits the texts in a value with the names of the properties that
// lead there; functions and list items have none.
func eachText(path string, value any, visit func(path, text string)) {
	switch v := value.(type) {
	case string:
		visit(path, v)
	case []any:
		for _, item := range v {
			eachText(path, item, visit)
		}
	case map[string]any:
		for _, name := range sortedKeys(v) {
			inner := path
			if !strings.HasPrefix(name, "Fn::") {
				inner += "/" + name
			}
			eachText(inner, v[name], visit)
		}
	}
}

// storeReference is {{resolve:ssm:name}} or {{resolve:ssm:name:version}}.
var storeReference = regexp.MustCompile(`\{\{resolve:ssm:([^{}]+)\}\}`)

// checkStore refuses a change set whose resources refer to parameters that do
// not exist, or that are secure. What the host must be asked for is noted.
func (p *planner) checkStore(wanted *resource) error {
	var err error
	eachText("", wanted.Properties, func(_, text string) {
		for _, match := range storeReference.FindAllStringSubmatch(text, -1) {
			_, typ, absent := p.known.parameter(parameterVersion.ReplaceAllString(match[1], ""))
			switch {
			case len(p.known.pending) > 0 || err != nil:
			case absent != nil:
				err = fmt.Errorf("Parameters: [ssm:%s] cannot be found.", match[1])
			case typ == "SecureString":
				err = fmt.Errorf("Non-secure ssm prefix was used for secure parameter: [%s]", match[1])
			}
		}
	})
	return err
}

// topicARN is the ARN of an SNS topic.
var topicARN = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z]{2}(-[a-z]+)+-\d:\d{12}:[A-Za-z0-9_.-]+$`)

// checkNotifications refuses notification ARNs that are none of topics.
func checkNotifications(arns []string) error {
	if len(arns) > 5 {
		return invalidf("1 validation error detected: Value at 'notificationARNs' failed to satisfy constraint: " +
			"Member must have length less than or equal to 5")
	}
	for _, arn := range arns {
		if !topicARN.MatchString(arn) {
			return invalidf("Invalid notification ARN: %s is not the ARN of an SNS topic", arn)
		}
	}
	return nil
}
