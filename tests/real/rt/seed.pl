# The queue, the field, the accounts and the rights that a desk needs, and two officers with tokens of their own.
our @Queues = ({ Name => 'Support', CorrespondAddress => 'support@desk.test', CommentAddress => 'internal@desk.test' });
our @CustomFields = map +{ Name => $_, Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket', Queue => 0 },
  ('Remit Case', 'Agent Identity', 'Remit State');
our @Users = map +{ Name => $_, EmailAddress => "$_\@desk.test", Privileged => 1, Password => "$_-pass-1" }, qw(gateway ann ben);
our @ACL = map { my $user = $_; map +{ UserId => $user, Right => $_ },
  qw(SeeQueue ShowTicket ShowTicketComments CreateTicket CommentOnTicket ReplyToTicket ModifyTicket SeeCustomField ModifyCustomField),
  $user eq 'gateway' ? () : qw(OwnTicket TakeTicket ReassignTicket Watch) } qw(gateway ann ben);
our @Scrips = ({ Description => 'webhook', ScripCondition => 'On Transaction', ScripAction => 'User Defined',
  Template => 'Blank', Queue => 0, Stage => 'TransactionCreate', CustomPrepareCode => 'return 1;', CustomCommitCode => <<'CODE' });
use LWP::UserAgent; use JSON (); use Digest::SHA qw(hmac_sha256_hex);
my $url = $ENV{GATEWAY_WEBHOOK_URL} or return 1; my $t = $self->TransactionObj;
my $body = JSON->new->canonical->encode({ ticket => $self->TicketObj->id+0, transaction => $t->id+0, type => $t->Type });
LWP::UserAgent->new(timeout => 3)->post($url, 'Content-Type' => 'application/json',
  'X-RT-Signature' => 'sha256='.hmac_sha256_hex($body, $ENV{GATEWAY_WEBHOOK_SECRET} // ''), Content => $body);
return 1;
CODE
our @Final = (sub {
  for my $name (qw(gateway ann ben)) {
    my $u = RT::CurrentUser->new; $u->Load($name);
    my ($ok, $msg, $auth) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $u->Id, Description => $name);
    die $msg unless $ok; open my $f, '>', "$ENV{RT_HOME}/token-$name" or die $!; print $f $auth; close $f;
  }
});
1;
