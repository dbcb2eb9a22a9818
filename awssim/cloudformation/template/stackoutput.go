package template

import "slices"

// StackOutput names an output of another stack, as Fn::GetStackOutput does.
type StackOutput struct {
	StackName  string
	OutputName string
	Region     string // empty: that of the stack that asks
	RoleARN    string // empty: the stack is of the same account, and read with the rights of whoever deploys
}

var stackOutputMembers = []string{"OutputName", "Region", "RoleArn", "StackName"}

// checkStackOutput refuses an argument of Fn::GetStackOutput that has not the
// members it must have, or others.
func checkStackOutput(argument any) error {
	members, ok := argument.(map[string]any)
	if !ok || members["StackName"] == nil || members["OutputName"] == nil {
		return templatef("every Fn::GetStackOutput object requires the parameters StackName and OutputName")
	}
	for _, name := range sortedKeys(members) {
		if !slices.Contains(stackOutputMembers, name) {
			return templatef("Fn::GetStackOutput does not support the parameter %s. Supported parameters are: %v", name, stackOutputMembers)
		}
	}
	return nil
}

func fnGetStackOutput(e *Env, argument any) (any, error) {
	if err := checkStackOutput(argument); err != nil {
		return nil, err
	}
	members := argument.(map[string]any)
	var o StackOutput
	for name, target := range map[string]*string{
		"StackName": &o.StackName, "OutputName": &o.OutputName, "Region": &o.Region, "RoleArn": &o.RoleARN,
	} {
		text, ok := Text(members[name])
		if members[name] != nil && (!ok || text == "") {
			return nil, templatef("the parameter %s of Fn::GetStackOutput must be a string or a function that returns a string", name)
		}
		*target = text
	}
	if e.Output == nil {
		return nil, templatef("Fn::GetStackOutput cannot be used in Conditions and Rules")
	}
	return e.Output(o)
}
