package cmdlets

import "invoke-mgupload/pkg/params"

// dep: tokens of Apple device enrolment.
var dep = []Cmdlet{
	{
		Name: "Invoke-MgBetaUploadDeviceManagementDepOnboardingSettingDepToken", Short: "dep-token-beta",
		Version: Beta, Module: "Microsoft.Graph.Beta.DeviceManagement.Enrollment",
		Routes:     []string{"/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/microsoft.graph.uploadDepToken"},
		BodyType:   "IPaths7Ytj24DevicemanagementDeponboardingsettingsDeponboardingsettingIdMicrosoftGraphUploaddeptokenPostRequestbodyContentApplicationJsonSchema",
		Body:       []params.Member{{Name: "AppleId", JSON: "appleId"}, {Name: "DepToken", JSON: "depToken", Secret: true}},
		Identity:   "IDeviceManagementEnrollmentIdentity",
		Permission: "DeviceManagementServiceConfig.ReadWrite.All",
	},
}
