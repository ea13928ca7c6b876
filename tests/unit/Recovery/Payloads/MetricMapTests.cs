using EtlTools.Core;
using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Tests.Recovery.Payloads;

public sealed class MetricMapTests
{
    [Fact]
    public void The_built_in_mapping_has_every_type_of_the_service()
    {
        var map = MetricMapReader.ReadBuiltIn();

        Assert.Equal(
            [
                "HeartRate", "BloodPressure", "Sleep", "Activity", "Workout", "BodyMeasurement", "Temperature", "Respiratory", "BloodGlucose",
                "Metabolic", "Nutrition", "Environmental", "AudioExposure", "SafetyEvent", "Mindfulness", "MentalHealth", "Symptom", "Hygiene",
                "Menstrual", "Fertility",
            ],
            map.Types.Select(type => type.Name));
        Assert.Equal(["workouts", "workout_metrics"], map.FindType("Workout")!.Tables);
        Assert.Equal("built-in:health-export", map.Origin);
    }
}
