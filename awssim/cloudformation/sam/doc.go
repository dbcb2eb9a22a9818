// Package sam runs the transform AWS::Serverless-2016-10-31, as far as public
// CDK apps use it. What it makes follows the published rules: the properties by
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-resources-and-properties.html,
// the resources and their logical ids by
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html.
//
// Nothing is left out silently: properties that no code reads are refused by name (see
// properties).
package sam
