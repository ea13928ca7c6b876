using System.Text.Json;
using EtlTools.Core.Health.Export;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Health;

public sealed class HealthJsonTests
{
    private static readonly string Schema = Path.Combine(Repository.Root, "tests", "unit", "Health", "health-json.txt");

    [Fact]
    public async Task The_document_keeps_its_properties_and_their_types()
    {
        using var document = JsonDocument.Parse(HealthJson.Write(Example.Health));
        var found = Paths(document.RootElement, "").ToHashSet(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();

        // A property that goes, or changes its type, breaks those who read the file: then schemaVersion is raised. A new one is added here.
        Assert.Equal(await File.ReadAllLinesAsync(Schema), found);
    }

    [Fact]
    public void Times_have_their_zone_durations_their_unit_and_choices_their_name()
    {
        using var document = JsonDocument.Parse(HealthJson.Write(Example.Health));
        var root = document.RootElement;

        Assert.Equal(1, root.GetProperty("schemaVersion").GetInt32());
        Assert.Equal("P1D", root.GetProperty("window").GetString());
        Assert.Equal("PT2H", root.GetProperty("threshold").GetProperty("stuckAfter").GetString());
        Assert.Equal("2026-03-01T12:00:00+13:00", root.GetProperty("to").GetString());
        Assert.Equal("Critical", root.GetProperty("status").GetString());
        Assert.Equal(JsonValueKind.Null, root.GetProperty("overall")[0].GetProperty("successRate").ValueKind);
    }

    private static IEnumerable<string> Paths(JsonElement element, string path) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property => Paths(property.Value, path.Length == 0 ? property.Name : $"{path}.{property.Name}")),
        JsonValueKind.Array => element.GetArrayLength() == 0 ? [$"{path}[]"] : element.EnumerateArray().SelectMany(item => Paths(item, path + "[]")),
        JsonValueKind.Null => [],
        JsonValueKind.True or JsonValueKind.False => [$"{path} boolean"],
        _ => [$"{path} {element.ValueKind.ToString().ToLowerInvariant()}"],
    };
}
