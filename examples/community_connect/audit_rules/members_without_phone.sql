-- severity: warning
-- remedy: Ask these members for their number before a migration takes it for granted.
SELECT id FROM public.community_members WHERE phone IS NULL;
