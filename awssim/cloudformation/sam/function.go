package sam

import "strings"

const lambdaTag = "lambda:createdBy"

// function makes a Lambda function, a role where none is given, what is
// published of it, and what its events need.
func (m *maker) function() {
	made := map[string]any{}
	m.p.copy(made, "Architectures", "CodeSigningConfigArn", "Description", "DurableConfig", "Environment", "EphemeralStorage",
		"FileSystemConfigs", "FunctionName", "Handler", "ImageConfig", "KmsKeyArn", "Layers", "LoggingConfig", "MemorySize", "PackageType",
		"RecursiveLoop", "ReservedConcurrentExecutions", "Role", "Runtime", "RuntimeManagementConfig", "SnapStart",
		"Timeout", "VpcConfig")
	f := &function{maker: m, made: made, target: target{m: m, id: m.id}}
	made["Code"] = f.code()
	made["Tags"] = m.readTags(lambdaTag)
	f.readRole()
	if mode := m.p.take("Tracing"); mode != nil && mode != "Disabled" {
		made["TracingConfig"] = map[string]any{"Mode": mode}
		f.role.managed = append(f.role.managed, m.tracing())
	}
	if made["VpcConfig"] != nil {
		f.role.managed = append(f.role.managed, m.managed("service-role/AWSLambdaVPCAccessExecutionRole"))
	}
	f.deadLetters()
	f.publish()
	f.url()
	f.invocation()
	f.role.policies(m.p.list("Policies"))
	f.events()
	if made["Role"] == nil {
		f.role.tags = made["Tags"]
		made["Role"] = f.role.add(m.id + "Role")
	} else if name := intrinsic(made["Role"]); name == "Fn::If" && !decided(made["Role"]) {
		m.invalid("the simulator's transform makes no role by the condition of property 'Role'")
	}
	if _, text := made["Role"].(string); !text && intrinsic(made["Role"]) == "" {
		m.invalid("Property 'Role' should be a string.")
	}
	m.become("AWS::Lambda::Function", made)
}

// decided reports whether a condition chooses between two roles that are given.
func decided(role any) bool {
	branches, _ := role.(map[string]any)["Fn::If"].([]any)
	return len(branches) == 3 && isRef(branches[1]) != "AWS::NoValue" && isRef(branches[2]) != "AWS::NoValue"
}

// tracing is the policy that tracing needs.
func (m *maker) tracing() string {
	if m.Partition == "aws" {
		return m.managed("AWSXrayWriteOnlyAccess")
	}
	return m.managed("AWSXRayDaemonWriteAccess")
}

// function is a function that is being made.
type function struct {
	*maker
	made      map[string]any // its properties
	target    target         // what its events call
	alias     string         // logical id
	aliasName string
	role      *role
}

// code is where the code is: exactly one of three properties says it.
func (f *function) code() map[string]any {
	inline, uri, image := f.p.take("InlineCode"), f.p.take("CodeUri"), f.p.take("ImageUri")
	key := f.p.take("SourceKMSKeyArn")
	if f.made["PackageType"] == "Image" {
		if image == nil {
			f.invalid("'ImageUri' must be set.")
		}
		f.unused(map[string]any{"InlineCode": inline, "CodeUri": uri, "SourceKMSKeyArn": key}, "PackageType is 'Image'")
		return map[string]any{"ImageUri": image}
	}
	f.unused(map[string]any{"ImageUri": image}, "PackageType is 'Zip'")
	if f.made["Runtime"] == nil || f.made["Handler"] == nil {
		f.invalid("Runtime and Handler needs to be present when PackageType is of type `Zip`")
	}
	var code map[string]any
	switch {
	case inline != nil: // before CodeUri, which Globals may have
		code = map[string]any{"ZipFile": inline}
	case uri != nil:
		code = f.location("CodeUri", uri, "S3Bucket", "S3Key", "S3ObjectVersion")
	default:
		f.invalid("Either 'InlineCode' or 'CodeUri' must be set.")
		return nil
	}
	if key != nil {
		code["SourceKMSKeyArn"] = key
	}
	return code
}

// unused refuses properties that would be without effect.
func (f *function) unused(values map[string]any, why string) {
	for _, name := range sortedKeys(values) {
		if values[name] != nil {
			f.invalid("%s cannot be present when %s.", name, why)
		}
	}
}

// location reads s3://bucket/key?versionId=v, or an object with its parts.
func (m *maker) location(property string, value any, bucket, key, version string) map[string]any {
	if _, ok := value.(map[string]any); ok && intrinsic(value) == "" {
		p := m.properties(property, value)
		defer p.end()
		result := map[string]any{bucket: p.take("Bucket"), key: p.take("Key")}
		if result[bucket] == nil || result[key] == nil {
			m.invalid("'%s' requires Bucket and Key properties to be specified.", property)
		}
		if v := p.take("Version"); v != nil {
			result[version] = v
		}
		return result
	}
	computed, _ := m.Evaluate(value)
	uri, _ := computed.(string)
	if strings.Contains(uri, "{{resolve:") {
		m.invalid("Unsupported dynamic reference detected in '%s'. Please consider using alternative 'FunctionCode' object format.", property)
	}
	path, query, _ := strings.Cut(uri, "?")
	path, isS3 := strings.CutPrefix(path, "s3://")
	name, object, found := strings.Cut(path, "/")
	if !isS3 || !found || name == "" || object == "" {
		m.invalid("'%s' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId query parameter.", property)
		return map[string]any{}
	}
	result := map[string]any{bucket: name, key: object}
	if id, ok := strings.CutPrefix(query, "versionId="); ok {
		result[version] = id
	}
	return result
}

func (f *function) deadLetters() {
	p := f.p.properties("DeadLetterQueue")
	if p == nil {
		return
	}
	defer p.end()
	arn := p.require("TargetArn")
	action := map[string]string{"SQS": "sqs:SendMessage", "SNS": "sns:Publish"}[p.text("Type")]
	if action == "" {
		f.invalid("'DeadLetterQueue' requires Type of ['SQS', 'SNS']")
	}
	f.made["DeadLetterConfig"] = map[string]any{"TargetArn": arn}
	policy := allowed("DeadLetterQueuePolicy", action, arn)
	policy["PolicyDocument"].(map[string]any)["Version"] = "2012-10-17"
	f.role.inline = append(f.role.inline, policy)
}

// target is what events call: a function or its alias, or a state machine.
type target struct {
	m     *maker
	id    string
	alias bool // or state machine: its Ref is its ARN
}

func (t target) arn() map[string]any {
	if t.alias {
		return ref(t.id)
	}
	return getAtt(t.id, "Arn")
}

// variable is the target's ARN within Fn::Sub.
func (t target) variable() string {
	if t.alias {
		return "${" + t.id + "}"
	}
	return "${" + t.id + ".Arn}"
}
