using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Xml;

namespace EtlTools.Core.Health.Export;

/// <summary>The object as it is, in JSON: enums by name, durations in ISO 8601 (P1D, PT2H), times with their zone.</summary>
internal static class HealthJson
{
    /// <summary>Raised when a property goes or changes its meaning; a new property leaves it as it is.</summary>
    private const int SchemaVersion = 1;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(), new DurationConverter() },
    };

    public static string Write(ProcessingHealth health)
    {
        var document = JsonSerializer.SerializeToNode(health, Options)!.AsObject();
        document.Insert(0, "schemaVersion", SchemaVersion);
        return document.ToJsonString(Options) + "\n";
    }

    private sealed class DurationConverter : JsonConverter<TimeSpan>
    {
        public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            XmlConvert.ToTimeSpan(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
            writer.WriteStringValue(XmlConvert.ToString(value));
    }
}
