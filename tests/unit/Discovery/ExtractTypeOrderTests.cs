using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Discovery;
using EtlTools.Tests.Sources;

namespace EtlTools.Tests.Discovery;

public sealed class ExtractTypeOrderTests
{
    private static readonly PipelineConfig Pipeline = SamplePipelines.Vendor(SamplePipelines.Folder("/data"));

    [Fact]
    public void Parents_come_before_children_and_names_decide_the_rest()
    {
        Assert.Equal(
            ["PracticeInfo", "Provider", "Patient", "Allergies", "Appointments", "AppointmentMedications"],
            Ordered(new ExtractTypeOrder(Pipeline)));
    }

    [Fact]
    public void Priority_comes_first_by_name_or_alias()
    {
        Assert.Equal(
            ["Appointments", "Patient", "PracticeInfo", "Provider", "Allergies", "AppointmentMedications"],
            Ordered(new ExtractTypeOrder(Pipeline, ["appointments", "Patients", "Patient"])));
    }

    [Fact]
    public void Alias_has_the_rank_of_its_type_and_an_unknown_name_the_last()
    {
        var order = new ExtractTypeOrder(Pipeline);

        Assert.Equal(order.Rank("Patient"), order.Rank("PATIENTS"));
        Assert.Equal(ExtractTypeOrder.Unknown, order.Rank("Nonsense"));
    }

    [Fact]
    public void Unknown_priority_is_refused()
    {
        var error = Assert.Throws<EtlException>(() => new ExtractTypeOrder(Pipeline, ["Nonsense"]));
        Assert.Equal("ExtractTypeUnknown", error.ErrorId);
    }

    [Fact]
    public void Circle_of_parents_ends()
    {
        var circular = Pipeline with
        {
            ExtractTypes = Pipeline.ExtractTypes
                .Select(type => type.Name == "PracticeInfo" ? type with { Parents = ["Appointments", "PracticeInfo"] } : type)
                .ToList(),
        };

        Assert.Equal(6, Ordered(new ExtractTypeOrder(circular)).Distinct().Count());
    }

    private static IEnumerable<string> Ordered(ExtractTypeOrder order) =>
        Pipeline.ExtractTypes.Select(type => type.Name).OrderBy(order.Rank);
}
