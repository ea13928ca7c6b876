using System.CommandLine;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Host.Commands;

/// <summary>Options of the commands on stored payloads.</summary>
internal sealed class RecoveryOptionSet
{
    private readonly Option<Guid[]> _ingestions = Many<Guid>("--ingestion", "id of an ingestion; may be given several times");
    private readonly Option<Guid[]> _users = Many<Guid>("--user", "only ingestions of this user; may be given several times");
    private readonly Option<IngestionStatus[]> _status = Many<IngestionStatus>("--status", "only ingestions with this status; may be given several times");
    private readonly Option<string?> _mapping = new("--mapping") { Description = "name of a built-in mapping or path of a mapping file; without it health-export" };
    private readonly Option<string?> _schema = new("--schema") { Description = "the schema of raw_ingestions; without it the one on the search path" };

    public void AddTo(Command command)
    {
        command.Add(_ingestions);
        command.Add(_users);
        command.Add(_status);
        command.Add(_mapping);
        command.Add(_schema);
    }

    public IReadOnlyList<Guid> Ingestions(ParseResult parsed) => parsed.GetValue(_ingestions)!;

    public IReadOnlyList<Guid> Users(ParseResult parsed) => parsed.GetValue(_users)!;

    public IReadOnlyList<string> Status(ParseResult parsed) => parsed.GetValue(_status)!.Select(status => status.ToWord()).ToList();

    public string? Schema(ParseResult parsed) => parsed.GetValue(_schema);

    public MetricMap Map(ParseResult parsed) => MetricMapReader.Read(parsed.GetValue(_mapping) ?? MetricMapReader.BuiltInName);

    private static Option<T[]> Many<T>(string name, string description) => new(name) { Description = description, DefaultValueFactory = _ => [] };
}
