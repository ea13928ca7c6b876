using System.CommandLine;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;

namespace EtlTools.Host.Commands;

/// <summary>Options that every command takes, and what they mean.</summary>
internal static class SharedOptions
{
    private static readonly Option<string?> Connection = new("--connection")
    {
        Description = "Npgsql keywords, a postgresql:// URI or a profile of etl.yaml; without it the PG* variables, as with psql",
        Recursive = true,
    };

    private static readonly Option<string?> Pipeline = new("--pipeline")
    {
        Description = "name of a built-in pipeline or path of a pipeline file; without it ETL_PIPELINE",
        Recursive = true,
    };

    public static Option<string[]> ExtractTypes() => new("--extract-type")
    {
        Description = "only this extract type; may be given several times",
        DefaultValueFactory = _ => [],
    };

    public static Option<int?> First(string description)
    {
        var first = new Option<int?>("--first") { Description = description };
        first.Validators.Add(result =>
        {
            if (result.GetValue(first) < 1)
            {
                result.AddError("--first is a number of 1 or more.");
            }
        });
        return first;
    }

    public static Option<double?> MaxErrorRate(string description)
    {
        var rate = new Option<double?>("--max-error-rate") { Description = description };
        rate.Validators.Add(result =>
        {
            if (result.GetValue(rate) is not (null or (>= 0 and <= 1)))
            {
                result.AddError("--max-error-rate is a share from 0 to 1, e.g. 0.05.");
            }
        });
        return rate;
    }

    public static Option<string> Reason() => new("--reason") { Description = "why; kept with the run", Required = true };

    public static void AddTo(RootCommand root)
    {
        root.Add(Connection);
        root.Add(Pipeline);
    }

    /// <summary>The arguments with which another command works on the same database, and on this pipeline.</summary>
    public static IReadOnlyList<string> Repeat(ParseResult command, string pipeline) =>
        command.GetValue(Connection) is { } connection
            ? ["--pipeline", pipeline, "--connection", connection]
            : ["--pipeline", pipeline];

    public static EtlDatabase OpenDatabase(ParseResult command)
    {
        var text = command.GetValue(Connection);
        var isProfile = text is not null && !text.Contains('=', StringComparison.Ordinal) && !text.Contains("://", StringComparison.Ordinal);
        return EtlDatabase.Connect(new ConnectionRequest
        {
            ConnectionString = isProfile ? null : text,
            Profile = isProfile ? text : null,
        });
    }

    /// <summary>Null where neither the option nor the environment names one.</summary>
    public static PipelineConfig? FindPipeline(ParseResult command)
    {
        var name = command.GetValue(Pipeline) ?? Environment.GetEnvironmentVariable("ETL_PIPELINE");
        return string.IsNullOrEmpty(name) ? null : PipelineReader.Read(name);
    }

    public static PipelineConfig ReadPipeline(ParseResult command) => FindPipeline(command) ?? throw new EtlException(
        EtlErrorKind.Configuration,
        "PipelineMissing",
        $"etl {command.CommandResult.Command.Name} needs to know the pipeline.",
        command.CommandResult.Command.Name,
        "Pass --pipeline a built-in name or the path of a pipeline file, or set ETL_PIPELINE.");
}
