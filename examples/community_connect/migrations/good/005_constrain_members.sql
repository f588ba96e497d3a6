-- The rules the old tables never had. Added NOT VALID and validated after: the scan takes no exclusive lock.

SET LOCAL lock_timeout = '5s';

-- Unknown phone numbers stay welcome: UNIQUE lets any number of NULLs through.
ALTER TABLE public.members
    ADD CONSTRAINT members_email_key UNIQUE USING INDEX members_email_key,
    ADD CONSTRAINT members_phone_key UNIQUE USING INDEX members_phone_key,
    ADD CONSTRAINT members_email_lower_case CHECK (email = lower(email)) NOT VALID,
    ADD CONSTRAINT members_name_not_blank CHECK (btrim(name) <> '') NOT VALID;
ALTER TABLE public.members VALIDATE CONSTRAINT members_email_lower_case;
ALTER TABLE public.members VALIDATE CONSTRAINT members_name_not_blank;

ALTER TABLE public.member_profiles
    ADD CONSTRAINT member_profiles_preferences_object CHECK (jsonb_typeof(preferences) = 'object') NOT VALID,
    ADD CONSTRAINT member_profiles_embedding_complete
        CHECK (num_nulls(embedding, embedding_model, embedded_at) IN (0, 3)) NOT VALID;
ALTER TABLE public.member_profiles VALIDATE CONSTRAINT member_profiles_preferences_object;
ALTER TABLE public.member_profiles VALIDATE CONSTRAINT member_profiles_embedding_complete;

ANALYZE public.members, public.member_profiles;
